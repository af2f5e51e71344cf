import { readStatement } from '@quinta/platform/database';
import { type ReplicatedPair, startReplicatedPair } from '@quinta/platform/testing';
import { expect, vi } from 'vitest';
import { everybody, type Resource } from '../src/read-your-writes.ts';
import { openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

/** SOFIPO on a primary and its streaming replica. */
export interface ReplicatedWorld extends SofipoWorld {
  readonly pair: ReplicatedPair;
  /** Resolves when reads under these names go to the replica, which then has everything. */
  inRotation(...names: readonly Resource[]): Promise<void>;
  /** Stops the replay on the replica while `work` runs, and makes sure that it is behind at the end. */
  whilePaused(work: () => Promise<void>): Promise<void>;
  /** Another process of the same service, on the same two servers. */
  another(environment: Readonly<Record<string, string>>): Promise<SofipoWorld>;
}

export const eventually = { timeout: 30_000, interval: 20 };

const whereIs = readStatement<[], { replica: boolean }>('test.where', 'select pg_is_in_recovery() as replica');

export async function openReplicatedWorld(
  environment: Readonly<Record<string, string>> = {},
): Promise<ReplicatedWorld> {
  const pair = await startReplicatedPair();
  try {
    await pair.primary.run("create role lending_app login password 'lending_app'");
    const asService = (url: string): string => url.replace(/\/\/[^@]*@/, '//lending_app:lending_app@');
    const urls = { owner: pair.primary.url, application: asService(pair.primary.url) };
    const databases = { urls, drop: () => Promise.resolve() };
    // Replays are paused for longer than a test of a slow machine may take: that alone takes nobody out of rotation.
    const replica = { DATABASE_REPLICA_URL: asService(pair.replica.url), DATABASE_REPLICA_LAG_MAX_MS: '60000' };
    const open = (more: Readonly<Record<string, string>>): Promise<SofipoWorld> =>
      openSofipoWorld({ databases, environment: { ...replica, ...environment, ...more } });
    const world = await open({});
    return {
      ...world,
      pair,
      inRotation: async (...names) => {
        await pair.caughtUp();
        const reading = async (): Promise<void> => {
          const { rows } = await world.sofipo.reads(everybody, ...names).run(whereIs, []);
          expect(rows).toEqual([{ replica: true }]);
        };
        await vi.waitFor(reading, eventually);
      },
      whilePaused: (work) => whilePaused(pair, work),
      another: open,
      close: async () => {
        await world.close();
        await pair.close();
      },
    };
  } catch (error) {
    await pair.close();
    throw error;
  }
}

async function whilePaused({ primary, replica }: ReplicatedPair, work: () => Promise<void>): Promise<void> {
  await replica.run('select pg_wal_replay_pause()');
  const isPaused = async (): Promise<void> =>
    expect(await replica.run('select pg_get_wal_replay_pause_state() as state')).toEqual([{ state: 'paused' }]);
  await vi.waitFor(isPaused, eventually);
  try {
    await work();
    const [written] = await primary.run('select pg_current_wal_flush_lsn()::text as position');
    const question = `select pg_last_wal_replay_lsn() < '${String(written?.['position'])}'::pg_lsn as behind`;
    expect(await replica.run(question)).toEqual([{ behind: true }]);
  } finally {
    await replica.run('select pg_wal_replay_resume()');
  }
}
