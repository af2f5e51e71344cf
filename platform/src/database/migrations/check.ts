import type { MigrationConnection, SchemaFact } from './connection.ts';
import { checkLock } from './lock-file.ts';
import { alteredMigrations, type Situation, unknownRecords } from './plan.ts';
import { differencesOf, protectedShape, recordedProtected } from './protected-tables.ts';
import type { MigrationStream } from './stream.ts';
import { readRevision, revisionOf, type VersionTable } from './version-table.ts';

/** One thing that is not as it should be. */
export interface CheckFinding {
  readonly kind: 'altered' | 'fresh' | 'interrupted' | 'protected_table' | 'schema' | 'unknown' | 'version';
  readonly text: string;
}

export interface CheckOutcome {
  readonly isOk: boolean;
  readonly findings: readonly CheckFinding[];
  /** Files that no lock holds yet: not landed, so free to change. */
  readonly unlocked: readonly string[];
  /** Whether a fresh database was made and compared with this one. */
  readonly isCompared: boolean;
}

/** Locked files that changed or went away, in every folder. */
export async function checkLocks(
  streams: readonly MigrationStream[],
): Promise<{ readonly findings: readonly CheckFinding[]; readonly unlocked: readonly string[] }> {
  const findings: CheckFinding[] = [];
  const unlocked: string[] = [];
  const folders = new Map(streams.map((stream) => [stream.folder.href, stream] as const));
  for (const { name, folder } of folders.values()) {
    const report = await checkLock(folder);
    findings.push(
      ...report.altered.map((file) => finding('altered', `${name}/${file} is locked, and its file was changed`)),
      ...report.missing.map((file) => finding('altered', `${name}/${file} is locked, and its file is gone`)),
    );
    unlocked.push(...report.unlocked.map((file) => `${name}/${file}`));
  }
  return { findings, unlocked };
}

/** Records that do not fit the files. */
export function checkRecords(situation: Situation): readonly CheckFinding[] {
  return [
    ...alteredMigrations(situation).map(({ stream, name }) =>
      finding('altered', `${stream}/${name} was applied, and its file was changed since`),
    ),
    ...unknownRecords(situation).map(({ stream, name }) =>
      finding('unknown', `${stream}/${name} was applied, and there is no such file`),
    ),
    ...situation.records
      .filter((record) => record.state === 'running')
      .map(({ stream, name }) => finding('interrupted', `${stream}/${name} is half done, or at work now`)),
  ];
}

/** Whether the earlier system's version table says what our records say. */
export async function checkVersion(
  connection: MigrationConnection,
  { service, records }: Situation,
  table: VersionTable,
): Promise<readonly CheckFinding[]> {
  const own = records.filter((record) => record.stream === service && record.state === 'applied');
  const newest = own.map((record) => record.name).toSorted();
  const last = newest.at(-1);
  const expected = last === undefined ? undefined : revisionOf(last);
  const actual = await readRevision(connection, table);
  if (actual === expected) return [];
  return [finding('version', `${table.name} says ${actual ?? 'nothing'}, and it should say ${expected ?? 'nothing'}`)];
}

/** Whether the protected tables are as they were noted. */
export async function checkProtected(
  connection: MigrationConnection,
  tables: readonly string[],
): Promise<readonly CheckFinding[]> {
  const recorded = await recordedProtected(connection, tables);
  const present = await protectedShape(connection, tables);
  const known = new Map([...present].filter(([table]) => recorded.has(table)));
  return differencesOf(recorded, known).map((text) => finding('protected_table', text));
}

/**
 * Compares a schema made afresh with the live one, one finding a line. Protected tables are left out; where there
 * are any, the database is another system's too, and what only it has in tables of its own is no difference. Nor is
 * an extension that the server's administrator added.
 */
export function compareSchemas(
  fresh: readonly SchemaFact[],
  live: readonly SchemaFact[],
  protectedTables: readonly string[],
): readonly CheckFinding[] {
  const isProtected = (fact: SchemaFact): boolean =>
    protectedTables.some((table) => table.toLowerCase() === fact.table?.toLowerCase());
  const freshTables = new Set(fresh.map((fact) => fact.table));
  const isForeign = (fact: SchemaFact): boolean =>
    fact.text.startsWith('extension ') ||
    (protectedTables.length > 0 && (fact.table === undefined || !freshTables.has(fact.table)));
  const freshTexts = new Set(fresh.map((fact) => fact.text));
  const liveTexts = new Set(live.map((fact) => fact.text));
  return [
    ...fresh
      .filter((fact) => !isProtected(fact) && !liveTexts.has(fact.text))
      .map((fact) => finding('schema', `missing here: ${fact.text}`)),
    ...live
      .filter((fact) => !isProtected(fact) && !isForeign(fact) && !freshTexts.has(fact.text))
      .map((fact) => finding('schema', `not from a migration: ${fact.text}`)),
  ];
}

export function finding(kind: CheckFinding['kind'], text: string): CheckFinding {
  return { kind, text };
}
