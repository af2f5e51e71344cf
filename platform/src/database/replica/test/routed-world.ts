import { expect, vi } from 'vitest';
import type { ReplicatedPair } from '../../../testing/replicated-pair.ts';
import { readStatement } from '../../contract.ts';
import { openDatabase } from '../../open.ts';
import type { ReadRoute, RoutedDatabase } from '../contract.ts';
import { type ReplicaOptions, withReplica } from '../with-replica.ts';
import { find, keep } from './routed-statements.ts';

export const keptTable = 'create table kept (key text primary key, value integer not null)';

const whereIs = readStatement<[], { replica: boolean }>('test.where', 'select pg_is_in_recovery() as replica');

export const eventually = { timeout: 20_000, interval: 20 };

/** A routed database as one process has it, and where its reads went. */
export interface Routed {
  readonly database: RoutedDatabase;
  readonly routes: ReadRoute[];
}

export function openRouted(pair: ReplicatedPair, options: Partial<ReplicaOptions> = {}): Routed {
  const routes: ReadRoute[] = [];
  const primary = openDatabase({ url: pair.primary.url });
  const urls = { primaryUrl: pair.primary.url, replicaUrl: pair.replica.url };
  const database = withReplica(primary, { ...urls, onRead: (route) => routes.push(route), ...options });
  return { database, routes };
}

/** Resolves when reads of somebody who has written nothing go to the replica. */
export async function inRotation(
  { database }: Routed,
  callers: readonly string[] = [],
  timeout = eventually.timeout,
): Promise<void> {
  await vi.waitFor(
    async () => {
      const { rows } = await database.reader(callers).run(whereIs, []);
      expect(rows).toEqual([{ replica: true }]);
    },
    { ...eventually, timeout },
  );
}

/** What a caller met who wrote and read again and again. */
export interface Story {
  readonly stale: number;
  readonly fromReplica: number;
  readonly fromPrimary: number;
}

/** Writes with one database and then reads with the other, as long as `goesOn`. A read that fails fails the story. */
export async function writeAndRead(
  [writes, reads]: readonly [Routed, Routed],
  caller: string,
  goesOn: (round: number) => boolean,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Story> {
  const story = { stale: 0, fromReplica: 0, fromPrimary: 0 };
  for (let round = 1; goesOn(round); round++) {
    await writes.database.writer([caller]).runAlone(keep, [caller, round]);
    await between();
    const { rows } = await reads.database.reader([caller]).run(find, [caller]);
    if ((rows[0]?.value ?? 0) < round) story.stale += 1;
    if (rows[0]?.replica === true) story.fromReplica += 1;
    else story.fromPrimary += 1;
  }
  return story;
}

export function sumOf(stories: readonly Story[]): Story {
  const sum = (count: (story: Story) => number): number => stories.reduce((total, story) => total + count(story), 0);
  return {
    stale: sum(({ stale }) => stale),
    fromReplica: sum(({ fromReplica }) => fromReplica),
    fromPrimary: sum(({ fromPrimary }) => fromPrimary),
  };
}
