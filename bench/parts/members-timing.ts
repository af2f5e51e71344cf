import { createHash } from 'node:crypto';
import { type Client, freshAddress, openClient } from '../members/clients.ts';
import { type MembersPlace, openMembersPlace } from '../members/place.ts';
import { sampleHashes } from '../../services/move-acces/src/auth/legacy-hashes.ts';
import { shuffled } from '../../platform/src/testing/shuffled.ts';
import { aucOf } from '../figures/auc.ts';
import { shortNumber } from '../figures/numbers.ts';
import { medianOf, spreadOf } from '../figures/statistics.ts';
import { query } from '../stage/sql.ts';
import type { Bench, Part, Section } from './part.ts';

const samples = { full: 300, quick: 3 };

/** Accounts that a failed sign-in must not tell apart, by what the tables hold of them. */
const states = [
  'an address that nobody has',
  'a member with our hash',
  'a member without a password',
  'an address that two members share',
  'a member with a bcrypt hash',
  'a member with an MD5 hash',
  'a member whose hash was upgraded',
] as const;

type State = (typeof states)[number];

export const membersTiming: Part = {
  name: 'members-timing',
  suite: 'move-acces',
  about: 'whether time tells which accounts there are',
  run: async (bench) => {
    const variables = { LEGACY_HASHES: 'all', ACCOUNT_FAILURES_PER_15MIN: '10000' };
    const place = await openMembersPlace(bench.stage, { name: 'members_timing', members: 7, variables });
    const client = openClient(1);
    try {
      const emails = await makeStates(place);
      const times = await sample(bench, client, { place, emails });
      return sectionOf(times);
    } finally {
      client.close();
      await place.close();
    }
  },
};

async function makeStates({ database, members }: MembersPlace): Promise<ReadonlyMap<State, string>> {
  const { sql } = database;
  const email = (place: number): string => members[place]?.email ?? '';
  await query(sql, 'delete from acces_app where email = $1', [email(1)]);
  await query(sql, 'drop index ux_users_email');
  await query(sql, 'update users set email = $1 where email = $2', [email(2), email(3)]);
  const setHash = (place: number, hash: string): Promise<unknown> =>
    query(sql, 'update acces_app set password_hash = $1 where email = $2', [hash, email(place)]);
  await setHash(4, sampleHashes.bcrypt[0]);
  await setHash(5, createHash('md5').update('nobody knows this one either').digest('hex'));
  const [upgraded] = await query<{ password_hash: string }>(
    sql,
    'select password_hash from acces_app where email = $1',
    [email(0)],
  );
  const legacy = createHash('md5').update('nor this').digest('hex');
  await setHash(6, legacy);
  await query(
    sql,
    `insert into member_passwords (user_id, password_hash, made_from)
     select user_id, $1, $2 from users where email = $3`,
    [upgraded?.password_hash ?? '', createHash('sha256').update(legacy).digest(), email(6)],
  );
  const emails = ['nobody@bench.example', email(0), email(1), email(2), email(4), email(5), email(6)];
  return new Map(states.map((state, place) => [state, emails[place] ?? '']));
}

/**
 * Each state once a round, in an order by chance: whatever else goes on touches all of them alike, and none comes always
 * after the same other one. One guess at a time, so that a guess waits for nothing but itself: it tells most this way.
 */
async function sample(
  { stage, options }: Bench,
  client: Client,
  { place, emails }: { readonly place: MembersPlace; readonly emails: ReadonlyMap<State, string> },
): Promise<ReadonlyMap<State, readonly number[]>> {
  const times = new Map(states.map((state) => [state, [] as number[]]));
  const count = options.isQuick ? samples.quick : samples.full;
  const guess = async (state: State): Promise<void> => {
    const body = { email: emails.get(state), password: 'not the password' };
    const startedMs = performance.now();
    const sending = { method: 'POST', body, headers: freshAddress() } as const;
    const { status } = await client.send(`${place.addresses[0] ?? ''}/auth/login`, sending);
    if (status !== 401) throw new Error(`A guess for ${state} was answered ${status} instead of 401`);
    times.get(state)?.push(performance.now() - startedMs);
  };
  for (let round = 0; round <= count; round += 1) {
    for (const state of shuffled(states)) {
      stage.signal.throwIfAborted();
      await guess(state);
    }
  }
  // The first of each has found cold caches.
  return new Map([...times].map(([state, list]) => [state, list.slice(1)]));
}

function sectionOf(times: ReadonlyMap<State, readonly number[]>): Section {
  const reference = times.get(states[0]) ?? [];
  const rows = [...times].map(([state, list]) => {
    const auc = aucOf(list, reference);
    return { state, medianMs: medianOf(list), auc: Math.max(auc, 1 - auc), count: list.length };
  });
  const medians = rows.map(({ medianMs }) => medianMs);
  const worst = Math.max(...rows.map(({ auc }) => auc));
  const apart = Math.max(...medians) - Math.min(...medians);
  return {
    title: 'Whether time tells which accounts there are',
    text: [
      'Failed sign-ins of seven kinds of account, one at a time, in turns by chance, with `LEGACY_HASHES=all`. The AUC is the chance that a guess ' +
        'at this kind took longer than one at an address that nobody has, or shorter, whichever is larger: 0.5 tells ' +
        `nothing. With ${shortNumber(reference.length)} guesses a kind, chance alone makes some 0.02 of it.`,
    ],
    tables: [
      {
        head: ['account', 'guesses', 'median ms', 'AUC'],
        rows: rows.map((row) => [row.state, String(row.count), row.medianMs.toFixed(2), row.auc.toFixed(3)]),
      },
    ],
    readings: [
      { bar: 'timing-auc', measured: spreadOf([worst]) },
      { bar: 'timing-median', measured: spreadOf([apart]) },
    ],
    leftOut: [],
    faults: [],
    data: Object.fromEntries(times),
  };
}
