import { readdirSync } from 'node:fs';
import { mexa } from '@quinta/mexa';
import { type Database, openDatabase, readStatement, writeStatement } from '@quinta/platform/database';
import { assertEnded, type Place } from './place.ts';

/** Works on a database through connections of its own, which are gone afterwards. */
export async function onDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = openDatabase({ url, connectionsMax: 4 });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** Reads rows with a plain statement. */
export async function rowsOf<Row>(
  database: Database,
  sql: string,
  params: readonly unknown[] = [],
): Promise<readonly Row[]> {
  return (await database.run(readStatement<unknown[], Row>('test.read', sql), [...params])).rows;
}

/** Runs plain statements that write, each a transaction of its own. */
export async function execute(database: Database, statements: readonly string[]): Promise<void> {
  for (const sql of statements) await database.runAlone(writeStatement('test.write', sql), []);
}

/** The embedded database's address while a server holds it; `--admin` for the owner's role. */
export async function embeddedUrl(place: Place, ...options: string[]): Promise<string> {
  const outcome = await place.run(['database', 'url', 'mexa', ...options]);
  assertEnded(outcome, 0);
  return outcome.stdout.trim();
}

/** The newest revision of MEXA's migrations, as its version table has it. */
export const newestMigration =
  readdirSync(mexa.migrations.folder)
    .filter((name) => name.endsWith('.ts'))
    .toSorted()
    .at(-1)
    ?.slice(1, 4) ?? '';
