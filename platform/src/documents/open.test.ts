import { expect, test } from 'vitest';
import { openDatabase } from '../database/index.ts';
import { openDocuments } from './open.ts';
import { CouchServer } from './test/couch-server.ts';

test('documents are in CouchDB where the settings name one, and in the database where they do not', async () => {
  const database = openDatabase({ url: 'postgresql://nobody@127.0.0.1:1/none', connectTimeoutMs: 1_000 });
  const server = await CouchServer.start();
  const inTable = openDocuments({ config: {}, database });
  await expect(inTable.ping()).rejects.toThrow('the database does not answer');
  const { hostname, port } = new URL(server.address.url);
  const inCouch = openDocuments({ config: { COUCHDB_HOST: hostname, COUCHDB_PORT: Number(port) }, database });
  expect(await inCouch.ping()).toBeGreaterThan(0);
  expect(() => openDocuments({ config: { COUCHDB_URL: 'none' }, database })).toThrow(RangeError);
  for (const part of [inTable, inCouch, server, database]) await part.close();
});
