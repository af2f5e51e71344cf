import { type Database, openDatabase, writeStatement } from '../../platform/src/database/index.ts';

/** Copying a database, loading a million rows: nothing here is a request. */
const statementTimeoutMs = 3_600_000;

/** A few connections of the bench's own, beside those that are measured. */
export function openForBench(url: string): Database {
  return openDatabase({
    url,
    connectionsMax: 2,
    statementTimeoutMs,
    lockTimeoutMs: 60_000,
    slowMs: statementTimeoutMs,
    applicationName: 'quinta bench',
  });
}

/** Runs any statement; what its rows hold is the caller's word. */
export async function query<Row>(
  database: Database,
  text: string,
  params: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const { rows } = await database.runAlone(writeStatement<readonly unknown[], Row>('bench', text), params);
  return rows;
}

/** The one row of a statement that always has one. */
export async function queryOne<Row>(database: Database, text: string, params: readonly unknown[] = []): Promise<Row> {
  const [row] = await query<Row>(database, text, params);
  if (row === undefined) throw new Error(`No row came of: ${text}`);
  return row;
}
