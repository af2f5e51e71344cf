import { brokenConstraint, type Database, readStatement } from '@quinta/platform/database';

/** Any SQL text, behind the back of the service: for looking at rows and for breaking things. */
export async function sql<Row = Readonly<Record<string, unknown>>>(
  database: Database,
  text: string,
  params: readonly unknown[] = [],
): Promise<readonly Row[]> {
  return (await database.run(readStatement<readonly unknown[], Row>('test', text), params)).rows;
}

/** A number that a query counts. */
export async function countOf(database: Database, text: string, params: readonly unknown[] = []): Promise<number> {
  const [row] = await sql<{ count: string }>(database, `select count(*) as count from ${text}`, params);
  return Number(row?.count);
}

/** What refused a statement: the name of its constraint, else the engine's code; "nothing" where it went through. */
export async function refusalOf(database: Database, text: string, params: readonly unknown[] = []): Promise<string> {
  try {
    await sql(database, text, params);
    return 'nothing';
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return brokenConstraint(error) ?? ('code' in error ? String(error.code) : error.message);
  }
}
