import { openClient } from '../members/clients.ts';
import { type Loop, closedLoop } from '../members/closed-loop.ts';
import { startFastapiMembers } from '../members/fastapi.ts';
import { type MembersPlace, openMembersPlace } from '../members/place.ts';
import { figureOf, figureRatio, resultNamed, runTurns, type Turn, type TurnResult } from '../members/rounds.ts';
import { signIn, signInAll } from '../members/sessions.ts';
import { medianText, spreadText } from '../figures/numbers.ts';
import { loadHttp } from '../load/http-load.ts';
import type { Bench, Part, Section } from './part.ts';

const connections = 64;
/** Beside a flood, those who just look at their profile are few. */
const fewConnections = 4;

export const membersReads: Part = {
  name: 'members-reads',
  suite: 'move-acces',
  about: '/users/me beside FastAPI with Redis, and during a flood of sign-ins',
  run: async (bench) => {
    const place = await openMembersPlace(bench.stage, { name: 'members_reads' });
    const client = openClient(connections);
    const peer = await startFastapiMembers(bench, place);
    try {
      const tokens = (await signInAll(client, place, place.members.length)).map((one) => one.access_token);
      const reading = (name: string, title: string, addresses: readonly string[], count = connections): Turn => ({
        name,
        title,
        measure: (seconds) => readProfiles(bench, { place, addresses, tokens, count, seconds }),
      });
      const flood: Omit<Loop, 'seconds'> = {
        connections,
        ask: async (connection) => void (await signIn(client, place, connection)),
      };
      const calm = reading('calm', 'Move Acces, nothing else going on', place.addresses, fewConnections);
      const turns = [
        reading('move-acces', 'Move Acces, one process', place.addresses),
        ...(peer.running
          ? [reading('fastapi', 'FastAPI, SQLAlchemy async, asyncpg, redis-py, 2 processes', peer.running.addresses)]
          : []),
        calm,
        flooded(calm, flood),
      ];
      const results = await runTurns(bench, turns);
      return sectionOf(results, peer.reason === undefined ? [] : [`FastAPI: ${peer.reason}`]);
    } finally {
      client.close();
      await peer.running?.stop();
      await place.close();
    }
  },
};

async function readProfiles(
  { stage, generator }: Bench,
  asked: {
    readonly place: MembersPlace;
    readonly addresses: readonly string[];
    readonly tokens: readonly string[];
    readonly count: number;
    readonly seconds: number;
  },
) {
  const { place, addresses, tokens, count, seconds } = asked;
  place.rest();
  const stream = { kind: 'reads', label: 'me', paths: ['/users/me'], tokens, isForwarded: true } as const;
  const load = await loadHttp(stage, generator, addresses, { connections: count, seconds, stream });
  const { completed, durationSeconds, p50Ms, p99Ms, notOk, broken } = load;
  const faults = notOk + broken > 0 ? [`${notOk} of ${completed} answers were no success, ${broken} never came`] : [];
  return { figures: { perSecond: completed / durationSeconds, p50Ms, p99Ms }, faults };
}

/** The same reading, while as many sign in as can. */
function flooded(calm: Turn, flood: Omit<Loop, 'seconds'>): Turn {
  return {
    name: 'flood',
    title: `Move Acces, while ${flood.connections} connections sign in`,
    measure: async (seconds) => {
      // The flood begins before the reading and ends after it.
      const signingIn = closedLoop({ ...flood, seconds: seconds + 1 });
      const read = await calm.measure(seconds);
      const { perSecond, turnedAwayPerSecond, faults } = await signingIn;
      // More than can be hashed are told to come again: those were tried as well.
      const signInsPerSecond = perSecond + turnedAwayPerSecond;
      return { figures: { ...read.figures, signInsPerSecond }, faults: [...(read.faults ?? []), ...faults] };
    },
  };
}

function sectionOf(results: readonly TurnResult[], leftOut: readonly string[]): Section {
  const named = (name: string): TurnResult | undefined => resultNamed(results, name);
  const times = figureRatio(named('move-acces'), named('fastapi'), 'perSecond');
  return {
    title: 'Reading one’s profile, and a flood of sign-ins',
    text: [
      'GET /users/me: bearer token checked, limit of the address counted in Redis, one row read. The requests come ' +
        'from twenty thousand addresses, so that the promised limit stays on and refuses nobody. The peer checks the token and counts in ' +
        `Redis as well, by INCR and EXPIRE. ${connections} connections, and ${fewConnections} beside the flood.`,
    ],
    tables: [
      {
        head: ['what', 'a second', 'times FastAPI', 'p50 ms', 'p99 ms', 'sign-ins tried a second beside'],
        rows: results.map((result) => [
          result.title,
          spreadText(figureOf(result, 'perSecond')),
          result.name === 'move-acces' ? spreadText(times) : '',
          medianText(figureOf(result, 'p50Ms')),
          spreadText(figureOf(result, 'p99Ms')),
          medianText(figureOf(result, 'signInsPerSecond')),
        ]),
      },
    ],
    readings: [{ bar: 'flood', measured: figureOf(named('flood'), 'p99Ms') }],
    leftOut,
    faults: results.flatMap(({ faults }) => faults),
    data: results,
  };
}
