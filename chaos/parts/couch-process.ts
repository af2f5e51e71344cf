/**
 * A document store that can be killed: the part of CouchDB's protocol that our adapter uses, in a process of its own
 * that writes each document to a file before it answers, one after the other, and reads them again when it starts.
 * SIGKILL takes a process, not what the system was given, so nothing is synced to the disk.
 *
 *   node couch-process.ts <port> <file>
 *
 * SIGUSR2 makes it end itself (SIGKILL) in the middle of the next set: half of it is written, and nobody is answered.
 */

import { existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { type CouchChange, CouchDatabases } from '../../platform/src/documents/test/couch-databases.ts';
import { CouchServer } from '../../platform/src/documents/test/couch-server.ts';

const [port = '', file = ''] = process.argv.slice(2);
const databases = new CouchDatabases();

/** What a kill has cut off in its middle was answered to nobody. */
function restore(): void {
  if (!existsSync(file)) return;
  const text = readFileSync(file, 'utf8');
  const end = text.lastIndexOf('\n') + 1;
  for (const line of text.slice(0, end).split('\n').filter(Boolean)) {
    const entry = JSON.parse(line) as CouchChange | { readonly conflict: string };
    if (!('conflict' in entry)) databases.restore(entry);
  }
  truncateSync(file, Buffer.byteLength(text.slice(0, end)));
}

restore();
const journal = openSync(file, 'a', 0o600);
const append = (entry: object): void => void writeSync(journal, `${JSON.stringify(entry)}\n`);

/** How many more documents of the set are written before the end; undefined where no end was asked for. */
let left: number | undefined;
let isTorn = false;
process.on('SIGUSR2', () => (isTorn = true));

databases.onChange = (change) => {
  append(change);
  if (change.document === undefined || left === undefined) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
};
databases.onConflict = (id) => append({ conflict: id });
databases.beforeSet = (count) => {
  if (isTorn) left = Math.ceil(count / 2);
};

await CouchServer.start(databases, Number(port));
