import { alteredMigrations, recordOf, type Situation, unknownRecords } from './plan.ts';
import type { MigrationRecord } from './state-table.ts';

/** A migration as `status` shows it. Instants are ISO 8601 in UTC. */
export interface MigrationStatus {
  readonly stream: string;
  readonly name: string;
  /** `unknown`: applied by another version of the program, no file here. */
  readonly state: 'applied' | 'pending' | 'running' | 'unknown';
  readonly why: string | null;
  readonly isAdopted: boolean;
  /** Whether the file changed since it was applied. */
  readonly isAltered: boolean;
  readonly finishedAt: string | null;
  readonly durationMs: number | null;
}

export interface StatusReport {
  readonly service: string;
  /** Engine, host, port and database. */
  readonly place: string;
  readonly pendingCount: number;
  readonly migrations: readonly MigrationStatus[];
}

/** An applied migration, in the order of application. */
export interface HistoryEntry {
  readonly ordinal: number;
  readonly stream: string;
  readonly name: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly durationMs: number | null;
  readonly isAdopted: boolean;
  readonly appVersion: string;
}

/** The newest applied migration of a stream, null where there is none. */
export interface CurrentMigration {
  readonly stream: string;
  readonly name: string | null;
}

export function statusOf(situation: Situation, place: string): StatusReport {
  const altered = new Set(alteredMigrations(situation));
  const known = situation.loaded.map((migration): MigrationStatus => {
    const record = recordOf(situation, migration);
    const state = record?.state ?? 'pending';
    const why = migration.migration.why;
    return { ...lineOf(migration, record), state, why, isAltered: altered.has(migration) };
  });
  const unknown = unknownRecords(situation).map((record): MigrationStatus => ({
    ...lineOf(record, record),
    state: 'unknown',
    why: null,
    isAltered: false,
  }));
  const pendingCount = known.filter((line) => line.state === 'pending').length;
  return { service: situation.service, place, pendingCount, migrations: [...known, ...unknown] };
}

export function historyOf(situation: Situation): readonly HistoryEntry[] {
  const streams = new Set(situation.loaded.map((migration) => migration.stream));
  return situation.records
    .filter((record) => record.state === 'applied' && streams.has(record.stream))
    .map((record) => ({
      ordinal: record.ordinal,
      stream: record.stream,
      name: record.name,
      startedAt: record.startedAt.toISOString(),
      finishedAt: record.finishedAt?.toISOString() ?? null,
      durationMs: record.durationMs ?? null,
      isAdopted: record.adopted,
      appVersion: record.appVersion,
    }));
}

export function currentOf({ loaded, records }: Situation): readonly CurrentMigration[] {
  const streams = [...new Set(loaded.map((migration) => migration.stream))];
  return streams.map((stream) => {
    const applied = records.filter((record) => record.stream === stream && record.state === 'applied');
    const names = applied.map((record) => record.name).toSorted();
    return { stream, name: names.at(-1) ?? null };
  });
}

function lineOf(
  { stream, name }: { readonly stream: string; readonly name: string },
  record: MigrationRecord | undefined,
): Pick<MigrationStatus, 'stream' | 'name' | 'isAdopted' | 'finishedAt' | 'durationMs'> {
  return {
    stream,
    name,
    isAdopted: record?.adopted ?? false,
    finishedAt: record?.finishedAt?.toISOString() ?? null,
    durationMs: record?.durationMs ?? null,
  };
}
