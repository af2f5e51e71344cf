import { createHash } from 'node:crypto';
import type { SchemaFact } from './connection.ts';

type Run = (sql: string, params?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;
type Row = Record<string, unknown>;

/**
 * The current database from the server's catalogues. SHOW CREATE TABLE is the one place where MySQL and MariaDB both
 * tell all of a table (checks, foreign keys, generated columns, collations), one part a line.
 */
export async function describeMysql(run: Run): Promise<readonly SchemaFact[]> {
  const tables = await run(
    `select table_name as name, table_type as kind from information_schema.tables where table_schema = database()`,
  );
  const facts: SchemaFact[] = [];
  for (const table of tables) {
    const name = String(table['name']);
    facts.push(...(table['kind'] === 'BASE TABLE' ? await tableFacts(run, name) : await viewFacts(run, name)));
  }
  facts.push(...(await triggerFacts(run)), ...(await routineFacts(run)));
  return facts.toSorted((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
}

async function tableFacts(run: Run, table: string): Promise<readonly SchemaFact[]> {
  const [row] = await run(`show create table ${quoted(table)}`);
  const lines = textOf(row, 'Create Table').split('\n').slice(1);
  const parts = lines.map((line) =>
    line
      .trim()
      .replace(/,$/, '')
      .replace(/^\) /, 'options ')
      .replace(/ AUTO_INCREMENT=\d+/, ''),
  );
  return [factOf(table, 'table'), ...parts.map((part) => factOf(table, part))];
}

async function viewFacts(run: Run, view: string): Promise<readonly SchemaFact[]> {
  const [row] = await run(
    `select database() as name, view_definition as definition from information_schema.views
     where table_schema = database() and table_name = ?`,
    [view],
  );
  const definition = textOf(row, 'definition').replaceAll(`${quoted(textOf(row, 'name'))}.`, '');
  return [factOf(view, `view as ${definition}`)];
}

async function triggerFacts(run: Run): Promise<readonly SchemaFact[]> {
  const triggers = await run(
    `select event_object_table as table_name, trigger_name as name, action_timing as timing,
       event_manipulation as event, action_statement as body
     from information_schema.triggers where trigger_schema = database()`,
  );
  return triggers.map((row) => {
    const when = `${textOf(row, 'timing')} ${textOf(row, 'event')}`;
    return factOf(textOf(row, 'table_name'), `trigger ${textOf(row, 'name')} ${when} ${textOf(row, 'body')}`);
  });
}

async function routineFacts(run: Run): Promise<readonly SchemaFact[]> {
  const routines = await run(
    `select routine_type as kind, routine_name as name, routine_definition as body
     from information_schema.routines where routine_schema = database()`,
  );
  return routines.map((row) => {
    const body = createHash('sha256').update(textOf(row, 'body')).digest('hex');
    return {
      table: undefined,
      text: `${textOf(row, 'kind').toLowerCase()} ${textOf(row, 'name')}, body sha-256 ${body}`,
    };
  });
}

function factOf(table: string, fact: string): SchemaFact {
  return { table, text: `${table}: ${fact.replaceAll(/\s+/g, ' ').trim()}` };
}

function textOf(row: Row | undefined, column: string): string {
  const value = row?.[column];
  return typeof value === 'string' ? value : '';
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
