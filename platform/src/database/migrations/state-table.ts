import type { MigrationRunner } from '../migration.ts';
import type { MigrationConnection } from './connection.ts';

/** Which way a migration goes. */
export type Direction = 'up' | 'down';

/** A migration as the database remembers it. A row that is `running` while nobody holds the lock is a crash. */
export interface MigrationRecord {
  readonly stream: string;
  readonly name: string;
  readonly hash: string;
  readonly state: 'running' | 'applied';
  /** Which way it was going when it began; a `running` one may be half undone. */
  readonly direction: Direction;
  /** Whether an earlier system had made it, so that it never ran here. */
  readonly adopted: boolean;
  /** The order of application in this database, from 1. */
  readonly ordinal: number;
  readonly startedAt: Date;
  readonly finishedAt: Date | undefined;
  readonly durationMs: number | undefined;
  readonly appVersion: string;
}

/** What identifies a record. */
export type RecordKey = Pick<MigrationRecord, 'stream' | 'name'>;

export const stateTable = 'quinta_migrations';

const columns =
  'stream, name, hash, state, direction, adopted, ordinal, started_at, finished_at, duration_ms, app_version';

/**
 * Makes the state table where it is missing. Called under the migrator's lock, so two never make it at once; it looks
 * first, because a role that may not create tables may still ask what is applied.
 */
export async function ensureStateTable(connection: MigrationConnection): Promise<void> {
  if (await connection.hasTable(stateTable)) return;
  const { instant } = connection.dialect.types;
  await connection.run(`create table if not exists ${stateTable} (
    stream varchar(64) not null,
    name varchar(128) not null,
    hash char(64) not null,
    state varchar(7) not null,
    direction varchar(4) not null,
    adopted boolean not null,
    ordinal integer not null,
    started_at ${instant} not null,
    finished_at ${instant} null,
    duration_ms integer null,
    app_version varchar(64) not null,
    constraint quinta_migrations_pk primary key (stream, name),
    constraint quinta_migrations_ordinal_uq unique (ordinal),
    constraint quinta_migrations_state_ck check (state in ('running', 'applied')),
    constraint quinta_migrations_direction_ck check (direction in ('up', 'down')),
    constraint quinta_migrations_finished_ck check (state = 'running' or finished_at is not null)
  )`);
}

/** All records in the order of application; none where the table is not there yet. */
export async function readRecords(connection: MigrationConnection): Promise<readonly MigrationRecord[]> {
  if (!(await connection.hasTable(stateTable))) return [];
  const rows = await connection.run(`select ${columns} from ${stateTable} order by ordinal`);
  return rows.map(recordOf);
}

/** Writes a new record behind all others, or the new state of a known one, by one statement that changes rows. */
export async function writeRecord(runner: MigrationRunner, record: Omit<MigrationRecord, 'ordinal'>): Promise<void> {
  const { placeholder } = runner.dialect;
  const key = [record.stream, record.name];
  const rows = await runner.run(`select stream, name, ordinal from ${stateTable}`);
  const state = {
    hash: record.hash,
    state: record.state,
    direction: record.direction,
    adopted: record.adopted,
    started_at: record.startedAt,
    finished_at: record.finishedAt ?? null,
    duration_ms: record.durationMs ?? null,
    app_version: record.appVersion,
  };
  const names = Object.keys(state);
  const values = Object.values(state);
  if (rows.some((row) => row['stream'] === record.stream && row['name'] === record.name)) {
    const assignments = names.map((name, index) => `${name} = ${placeholder(index + 1)}`).join(', ');
    const where = `stream = ${placeholder(names.length + 1)} and name = ${placeholder(names.length + 2)}`;
    await runner.run(`update ${stateTable} set ${assignments} where ${where}`, [...values, ...key]);
    return;
  }
  const ordinal = Math.max(0, ...rows.map((row) => Number(row['ordinal']))) + 1;
  const all = [...values, ordinal, ...key];
  const placeholders = all.map((_, index) => placeholder(index + 1)).join(', ');
  await runner.run(
    `insert into ${stateTable} (${names.join(', ')}, ordinal, stream, name) values (${placeholders})`,
    all,
  );
}

export async function deleteRecord(runner: MigrationRunner, key: RecordKey): Promise<void> {
  const { placeholder } = runner.dialect;
  await runner.run(`delete from ${stateTable} where stream = ${placeholder(1)} and name = ${placeholder(2)}`, [
    key.stream,
    key.name,
  ]);
}

function recordOf(row: Readonly<Record<string, unknown>>): MigrationRecord {
  const { finished_at: finishedAt, duration_ms: durationMs } = row as { finished_at?: unknown; duration_ms?: unknown };
  return {
    stream: String(row['stream']),
    name: String(row['name']),
    hash: String(row['hash']),
    state: row['state'] === 'running' ? 'running' : 'applied',
    direction: row['direction'] === 'down' ? 'down' : 'up',
    adopted: row['adopted'] === true || row['adopted'] === 1,
    ordinal: Number(row['ordinal']),
    startedAt: row['started_at'] as Date,
    finishedAt: finishedAt instanceof Date ? finishedAt : undefined,
    durationMs: typeof durationMs === 'number' ? durationMs : undefined,
    appVersion: String(row['app_version']),
  };
}
