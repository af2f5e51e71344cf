import path from 'node:path';
import { type BetterAuth, openBetterAuth } from '../members/better-auth.ts';
import { type Client, freshAddress, openClient } from '../members/clients.ts';
import { closedLoop } from '../members/closed-loop.ts';
import { hashing } from '../members/accounts.ts';
import { type MembersPlace, openMembersPlace } from '../members/place.ts';
import {
  figureOf,
  figureRatio,
  loopFigures,
  resultNamed,
  runTurns,
  type Turn,
  type TurnResult,
} from '../members/rounds.ts';
import { signIn, signInAll, type Tokens, wanted } from '../members/sessions.ts';
import { medianText, spreadText } from '../figures/numbers.ts';
import type { Spread } from '../figures/statistics.ts';
import { peersFolder } from '../stage/peers.ts';
import { cpuMicrosecondsOf } from '../stage/proc.ts';
import { surroundings } from '../stage/quinta.ts';
import type { Stage } from '../stage/stage.ts';
import type { Part, Section } from './part.ts';

const connections = 16;

export const membersSessions: Part = {
  name: 'members-sessions',
  suite: 'move-acces',
  about: 'sign-in beside the raw rate of hashing, refresh, and both beside better-auth',
  run: async (bench) => {
    const place = await openMembersPlace(bench.stage, { name: 'members_sessions' });
    const { peer, reason } = await openBetterAuth(bench.stage, place.members.length);
    const client = openClient(connections);
    try {
      const turns = [
        rawHashes(bench.stage),
        signIns(client, place),
        ...(peer ? [peerSignIns(client, peer)] : []),
        await refreshes(bench.stage, client, place),
        ...(peer ? [await peerRefreshes(client, peer)] : []),
      ];
      const results = await runTurns(bench, turns);
      return sectionOf(results, reason === undefined ? [] : [`better-auth: ${reason}`]);
    } finally {
      client.close();
      await peer?.close();
      await place.close();
    }
  },
};

function rawHashes(stage: Stage): Turn {
  const { memoryKiB, passes, lanes } = hashing;
  return {
    name: 'raw',
    title: 'Argon2id alone, on all cores',
    measure: async (seconds) => {
      const args = [path.join(peersFolder, 'raw-hashes.mjs'), seconds, memoryKiB, passes, lanes].map(String);
      const said = await stage.children.run(process.execPath, args, {
        env: surroundings(),
        timeoutMs: seconds * 1_000 + 30_000,
      });
      return { figures: JSON.parse(said) as { readonly perSecond: number } };
    },
  };
}

function signIns(client: Client, place: MembersPlace): Turn {
  let member = 0;
  const ask = async (): Promise<void> => void (await signIn(client, place, (member += 1)));
  return {
    name: 'sign-in',
    title: 'Move Acces, sign-in',
    measure: async (seconds) => loopFigures(await closedLoop({ connections, seconds, ask })),
  };
}

function peerSignIns(client: Client, peer: BetterAuth): Turn {
  let member = 0;
  const ask = async (): Promise<void> => void (await peer.signIn(client, (member += 1)));
  return {
    name: 'peer-sign-in',
    title: 'better-auth, sign-in',
    measure: async (seconds) => loopFigures(await closedLoop({ connections, seconds, ask })),
  };
}

/** Each connection is a session that goes from refresh token to refresh token. */
async function refreshes(stage: Stage, client: Client, place: MembersPlace): Promise<Turn> {
  const sessions = [...(await signInAll(client, place, connections))];
  const ask = async (connection: number): Promise<void> => {
    const heard = await client.send(`${place.addresses[0] ?? ''}/auth/refresh`, {
      method: 'POST',
      body: { refresh_token: sessions[connection]?.refresh_token },
      headers: freshAddress(),
    });
    sessions[connection] = JSON.parse(wanted(heard, 200)) as Tokens;
  };
  const cpu = (): number => cpuMicrosecondsOf([...place.pids, stage.postmasterPid]) ?? NaN;
  return {
    name: 'refresh',
    title: 'Move Acces, refresh',
    measure: async (seconds) => {
      place.rest();
      const before = cpu();
      const loop = await closedLoop({ connections, seconds, ask });
      const perCore = 1e6 / ((cpu() - before) / loop.completed);
      const { figures, faults } = loopFigures(loop);
      return { figures: { ...figures, perCore }, faults };
    },
  };
}

async function peerRefreshes(client: Client, peer: BetterAuth): Promise<Turn> {
  const cookies = await Promise.all(Array.from({ length: connections }, (_, member) => peer.signIn(client, member)));
  const ask = (connection: number): Promise<void> => peer.refresh(client, cookies[connection] ?? '');
  return {
    name: 'peer-refresh',
    title: 'better-auth, session prolonged',
    measure: async (seconds) => loopFigures(await closedLoop({ connections, seconds, ask })),
  };
}

function sectionOf(results: readonly TurnResult[], leftOut: readonly string[]): Section {
  const named = (name: string): TurnResult | undefined => resultNamed(results, name);
  const times: Readonly<Record<string, Spread | undefined>> = {
    'sign-in': figureRatio(named('sign-in'), named('raw'), 'perSecond'),
    'peer-sign-in': figureRatio(named('peer-sign-in'), named('raw'), 'perSecond'),
    refresh: figureRatio(named('refresh'), named('peer-refresh'), 'perSecond'),
  };
  const { memoryKiB, passes, lanes } = hashing;
  return {
    title: 'Sign-in and refresh',
    text: [
      `Argon2id with ${memoryKiB} KiB, ${passes} passes and ${lanes} lane, which OWASP asks for at least, for everybody. ` +
        `${connections} connections that each wait for their answer; every sign-in writes a session and its audit row, ` +
        'every refresh a new token and the spent one, durably, before the answer. `times` is of sign-ins to hashing ' +
        'alone, and of refreshes to better-auth, whose sessions are prolonged rows instead of new tokens: it writes ' +
        'less and cannot notice theft. `a core` divides by the CPU time of Node and PostgreSQL together.',
    ],
    tables: [
      {
        head: ['what', 'a second', 'times', 'p50 ms', 'p99 ms', 'a core'],
        rows: results.map((result) => [
          result.title,
          spreadText(figureOf(result, 'perSecond')),
          spreadText(times[result.name]),
          medianText(figureOf(result, 'p50Ms')),
          medianText(figureOf(result, 'p99Ms')),
          spreadText(figureOf(result, 'perCore')),
        ]),
      },
    ],
    readings: [
      { bar: 'sign-in', measured: times['sign-in'] },
      { bar: 'refresh', measured: figureOf(named('refresh'), 'perCore') },
    ],
    leftOut,
    faults: results.flatMap(({ faults }) => faults),
    data: results,
  };
}
