import { MigrationError } from './migration-error.ts';
import type { Direction, MigrationRecord, RecordKey } from './state-table.ts';
import type { LoadedMigration } from './stream.ts';

/** One migration to run, one way. */
export interface Step {
  readonly direction: Direction;
  readonly migration: LoadedMigration;
}

/** What is there: the files in their order, and what the database remembers. */
export interface Situation {
  readonly service: string;
  readonly loaded: readonly LoadedMigration[];
  readonly records: readonly MigrationRecord[];
  /** Streams of which only some files are wanted: records of others are none of our business. */
  readonly partialStreams: ReadonlySet<string>;
}

/** The name that stands for "nothing applied" as a target. */
const base = 'base';

/** How far down: so many, or until this one is the newest. */
export type DownTarget = { readonly steps: number } | { readonly to: string };

/** All that is pending, up to and with `to`. */
export function planUp(situation: Situation, to?: string): readonly Step[] {
  const last = to === undefined ? situation.loaded.length - 1 : indexOf(situation, to);
  const pending = situation.loaded
    .slice(0, last + 1)
    .filter((migration) => !recordOf(situation, migration))
    .map((migration): Step => ({ direction: 'up', migration }));
  if (pending.length > 0) refuseAltered(situation);
  for (const { migration } of pending) {
    refuseUnknown(situation, 'up', migration.stream);
    refuseBelowApplied(situation, migration);
  }
  return pending;
}

/** The newest first, in the reverse of the order of the files. */
export function planDown(situation: Situation, target: DownTarget): readonly Step[] {
  const newestFirst = situation.loaded.filter((migration) => recordOf(situation, migration)).toReversed();
  const steps = 'steps' in target ? newestFirst.slice(0, checkedSteps(target.steps)) : downTo(situation, target.to);
  for (const { stream } of steps) refuseUnknown(situation, 'down', stream);
  return steps.map((migration) => ({ direction: 'down', migration }));

  function downTo({ loaded }: Situation, name: string): readonly LoadedMigration[] {
    if (name === base) return newestFirst;
    const kept = indexOf(situation, name);
    const found = loaded[kept];
    if (!found || !recordOf(situation, found)) {
      throw new MigrationError('bad_request', `Cannot go down to ${name}: it is not applied`, { migration: name });
    }
    return newestFirst.filter((migration) => loaded.indexOf(migration) > kept);
  }
}

/** Up or down, whichever makes `name` the newest. */
export function planTo(situation: Situation, name: string): readonly Step[] {
  if (name === base) return planDown(situation, { to: base });
  const target = situation.loaded[indexOf(situation, name)];
  return target && recordOf(situation, target) ? planDown(situation, { to: name }) : planUp(situation, name);
}

/** Throws where a migration stands half done: the lock is ours, so whoever ran it is dead. */
export function refuseInterrupted({ service, records, loaded }: Situation): void {
  const streams = new Set(loaded.map((migration) => migration.stream));
  const record = records.find((row) => row.state === 'running' && streams.has(row.stream));
  if (!record) return;
  const { name, direction } = record;
  throw new MigrationError(
    'interrupted',
    `${record.stream}/${name} began to go ${direction} at ${record.startedAt.toISOString()} and did not end, and this engine cannot roll it back. ` +
      `Look at the schema, finish it or undo it by hand, then say which: ` +
      `quinta migrate resolve ${service} ${name} --applied, or --reverted`,
    { migration: name },
  );
}

/** Applied migrations without a file here. */
export function unknownRecords({ loaded, records, partialStreams }: Situation): readonly MigrationRecord[] {
  const streams = new Set(loaded.map((migration) => migration.stream));
  return records.filter(
    (record) =>
      streams.has(record.stream) &&
      !partialStreams.has(record.stream) &&
      !loaded.some((migration) => isSame(migration, record)),
  );
}

/** Applied migrations whose file is another by now. */
export function alteredMigrations(situation: Situation): readonly LoadedMigration[] {
  return situation.loaded.filter((migration) => {
    const record = recordOf(situation, migration);
    return record !== undefined && record.hash !== migration.hash;
  });
}

/** The migration that a name or the start of one (`v002`) stands for. */
export function findMigration(situation: Situation, name: string): LoadedMigration {
  const found = situation.loaded[indexOf(situation, name)];
  if (!found) throw unknownName(situation, name);
  return found;
}

export function recordOf({ records }: Situation, key: RecordKey): MigrationRecord | undefined {
  return records.find((record) => isSame(record, key));
}

function isSame(a: RecordKey, b: RecordKey): boolean {
  return a.stream === b.stream && a.name === b.name;
}

function indexOf(situation: Situation, name: string): number {
  const matches = situation.loaded.filter(
    (migration) => migration.name === name || `${migration.stream}/${migration.name}` === name,
  );
  const short = situation.loaded.filter((migration) => /^[a-z]\d{3}$/.test(name) && migration.name.startsWith(name));
  const candidates = matches.length > 0 ? matches : short;
  const [only] = candidates;
  if (only === undefined) throw unknownName(situation, name);
  if (candidates.length > 1) {
    const names = candidates.map((migration) => `${migration.stream}/${migration.name}`).join(' and ');
    throw new MigrationError('bad_request', `"${name}" may be ${names}: say which`);
  }
  return situation.loaded.indexOf(only);
}

function unknownName({ loaded }: Situation, name: string): MigrationError {
  const names = loaded.map((migration) => migration.name).join(', ');
  return new MigrationError('bad_request', `There is no migration "${name}"; there are ${names || 'none'}`);
}

function checkedSteps(steps: number): number {
  if (Number.isInteger(steps) && steps > 0) return steps;
  throw new MigrationError('bad_request', `Cannot go down ${steps} steps: expected a whole number above 0`);
}

function refuseAltered(situation: Situation): void {
  const altered = alteredMigrations(situation).map((migration) => migration.name);
  if (altered.length === 0) return;
  throw new MigrationError(
    'altered',
    `Already applied, and changed in the file since: ${altered.join(', ')}. Put the file back as it was and say what is new in a migration of its own`,
    { differences: altered },
  );
}

/** A pending migration below an applied one of its stream was never tried in that order. */
function refuseBelowApplied(situation: Situation, migration: LoadedMigration): void {
  if (situation.partialStreams.has(migration.stream)) return;
  const above = situation.records.find((record) => record.stream === migration.stream && record.name > migration.name);
  if (!above) return;
  throw new MigrationError(
    'bad_request',
    `${migration.name} is not applied but ${above.name} is: go down below it first, or resolve it`,
    { migration: migration.name },
  );
}

/** What another version of the program applied must be undone by that version before anything goes on here. */
function refuseUnknown(situation: Situation, direction: Direction, stream: string): void {
  const unknown = unknownRecords(situation)
    .filter((record) => record.stream === stream)
    .map((record) => record.name);
  if (unknown.length === 0) return;
  throw new MigrationError(
    'altered',
    `Cannot go ${direction}: ${unknown.join(', ')} of ${stream} was applied by another version of the program and has no file here`,
    { differences: unknown },
  );
}
