import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planDown, planTo, planUp, refuseInterrupted, type Situation, type Step } from './plan.ts';
import type { MigrationRecord } from './state-table.ts';
import type { LoadedMigration } from './stream.ts';

const nothing = (): Promise<void> => Promise.resolve();

function loaded(stream: string, number: number): LoadedMigration {
  const prefix = stream === 'platform' ? 'p' : 'v';
  const name = `${prefix}${String(number).padStart(3, '0')}_step`;
  const migration = { why: 'A test needs it.', up: nothing, down: nothing };
  return { stream, name, prefix, number, url: new URL('file:///none'), hash: name, migration };
}

function applied({ stream, name, hash }: LoadedMigration, ordinal = 1): MigrationRecord {
  const now = new Date(0);
  const rest = { adopted: false, ordinal, startedAt: now, finishedAt: now, durationMs: 0, appVersion: '' };
  return { stream, name, hash, state: 'applied', direction: 'up', ...rest };
}

function situationOf(all: readonly LoadedMigration[], records: readonly MigrationRecord[]): Situation {
  return { service: 'shop', loaded: all, records, partialStreams: new Set() };
}

/** The records after these steps; what is done twice or undone without being there makes the list wrong. */
function after(records: readonly MigrationRecord[], steps: readonly Step[]): readonly MigrationRecord[] {
  const rows = [...records];
  for (const { direction, migration } of steps) {
    const index = rows.findIndex((row) => row.stream === migration.stream && row.name === migration.name);
    if (direction === 'up') rows.push(applied(migration, rows.length + 1));
    else rows.splice(index, 1);
  }
  return rows;
}

const four = [loaded('platform', 1), loaded('platform', 2), loaded('shop', 1), loaded('shop', 2)];

describe('planning', () => {
  it('keeps what is applied a beginning of the order, whatever is asked for in whatever order', () => {
    const ask = record({ kind: constantFrom('up', 'down', 'to'), target: integer({ min: 0, max: 4 }) });
    assert(
      property(array(ask, { maxLength: 12 }), (asks) => {
        let records: readonly MigrationRecord[] = [];
        for (const { kind, target } of asks) {
          const situation = situationOf(four, records);
          const name = four[target]?.name ?? 'base';
          const before = records.length;
          const steps = {
            up: () => planUp(situation, target === 4 ? undefined : name),
            down: () => (target < before || target === 4 ? planDown(situation, { to: name }) : []),
            to: () => planTo(situation, name),
          }[kind]();
          records = after(records, steps);
          const count = { up: Math.max(before, Math.min(target + 1, 4)), down: 0, to: (target + 1) % 5 }[kind];
          const down = target < before ? target + 1 : target === 4 ? 0 : before;
          const expected = four.slice(0, kind === 'down' ? down : count);
          expect(records.map((row) => row.name)).toEqual(expected.map((one) => one.name));
        }
      }),
    );
  });

  it('refuses to go down to what is not applied', () => {
    const situation = situationOf(
      four,
      four.slice(0, 2).map((one) => applied(one)),
    );
    expect(() => planDown(situation, { to: 'v001_step' })).toThrow('it is not applied');
  });

  it('goes down by steps and no further than there is', () => {
    const situation = situationOf(
      four,
      four.map((one) => applied(one)),
    );
    const names = planDown(situation, { steps: 3 }).map((step) => step.migration.name);
    expect(names).toEqual(['v002_step', 'v001_step', 'p002_step']);
    expect(planDown(situation, { steps: 99 })).toHaveLength(4);
    expect(() => planDown(situation, { steps: 1.5 })).toThrow('expected a whole number above 0');
  });

  it('runs a migration below an applied one only where a stream is taken in part', () => {
    const late = situationOf(
      four,
      four.slice(1).map((one) => applied(one)),
    );
    expect(planUp({ ...late, partialStreams: new Set(['platform']) })).toHaveLength(1);
    expect(() => planUp(late)).toThrow('p001_step is not applied but p002_step is');
    const hole = situationOf(
      four,
      [four[0], four[1], four[3]].flatMap((one) => (one ? [applied(one)] : [])),
    );
    expect(() => planUp(hole)).toThrow('v001_step is not applied but v002_step is');
  });

  it('understands a name, the start of one and one with its stream, and asks where it cannot tell', () => {
    const twins = [loaded('one', 1), loaded('two', 1)];
    const situation = situationOf(twins, []);
    expect(() => planUp(situation, 'v001')).toThrow('"v001" may be one/v001_step and two/v001_step: say which');
    expect(() => planUp(situation, 'v001_step')).toThrow('say which');
    expect(planUp(situation, 'one/v001_step')).toHaveLength(1);
    expect(() => planUp(situation, 'v00')).toThrow('There is no migration "v00"');
  });

  it('minds only its own streams: what another service left half done is not its business', () => {
    const foreign = { ...applied(loaded('mill', 1)), state: 'running' as const };
    expect(() => refuseInterrupted(situationOf(four, [foreign]))).not.toThrow();
    const own = { ...applied(loaded('shop', 1)), state: 'running' as const };
    expect(() => refuseInterrupted(situationOf(four, [own]))).toThrow('did not end');
  });
});
