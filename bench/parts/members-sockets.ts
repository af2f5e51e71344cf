import { readFileSync } from 'node:fs';
import { freshAddress, openClient } from '../members/clients.ts';
import { type MembersPlace, openMembersPlace } from '../members/place.ts';
import { openRawSocket, type RawSocket } from '../members/raw-sockets.ts';
import { signIn, signInAll, wanted } from '../members/sessions.ts';
import { shortNumber, spreadText } from '../figures/numbers.ts';
import { percentileOf, type Spread, spreadOf } from '../figures/statistics.ts';
import { until } from '../stage/until.ts';
import type { Bench, Part, Section } from './part.ts';

const socketsWanted = 20_000;
/** Files that a process has open besides; this system may allow no more than twenty thousand in all. */
const otherFiles = 400;
const atOnce = 64;
const settleMs = { full: 5_000, quick: 1_000 };
const variables = { SOCKETS_PER_MEMBER: '10000' };

export const membersSockets: Part = {
  name: 'members-sockets',
  suite: 'move-acces',
  about: 'idle sockets with memory each, a push to many, and from revocation to closed socket on another process',
  run: async (bench) => {
    const options = { name: 'members_sockets', processes: 2, variables };
    const place = await openMembersPlace(bench.stage, options);
    try {
      const revocation = await revocations(bench, place);
      const broadcast = await broadcasts(bench, place);
      const idle = await idleSockets(bench, place);
      return sectionOf({ idle, broadcast, revocation });
    } finally {
      await place.close();
    }
  },
};

/** Opens sockets, some at a time; those of one member are shared out over all members. */
async function openSockets(
  place: MembersPlace,
  { count, at, tokens }: { readonly count: number; readonly at: number; readonly tokens: readonly string[] },
): Promise<readonly RawSocket[]> {
  const sockets: RawSocket[] = [];
  const opener = async (first: number): Promise<void> => {
    for (let index = first; index < count; index += atOnce) {
      sockets.push(await openRawSocket(place.addresses[at] ?? '', tokens[index % tokens.length] ?? ''));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, first) => opener(first)));
  return sockets;
}

interface Idle {
  readonly sockets: number;
  readonly kilobytesEach: number;
  readonly handshakesPerSecond: number;
}

async function idleSockets({ stage, options }: Bench, place: MembersPlace): Promise<Idle> {
  const client = openClient(4);
  const tokens = (await signInAll(client, place, 8)).map((one) => one.access_token);
  client.close();
  const pid = place.pids[0] ?? 0;
  const count = options.isQuick ? 500 : Math.min(socketsWanted, openFilesMax(pid) - otherFiles);
  // What a process takes once and not for each socket: its first sockets are opened before it is looked at.
  const first = await openSockets(place, { count: Math.min(500, count), at: 0, tokens });
  const waitMs = options.isQuick ? settleMs.quick : settleMs.full;
  const before = await settledMemory(pid, waitMs);
  const startedMs = performance.now();
  const more = await openSockets(place, { count: Math.max(1, count - first.length), at: 0, tokens });
  const seconds = (performance.now() - startedMs) / 1_000;
  const after = await settledMemory(pid, waitMs);
  stage.say(`  ${first.length + more.length} sockets: ${shortNumber((after - before) / more.length)} KB each`);
  for (const socket of [...first, ...more]) socket.end();
  return {
    sockets: first.length + more.length,
    kilobytesEach: (after - before) / more.length,
    handshakesPerSecond: more.length / seconds,
  };
}

function openFilesMax(pid: number): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8')) ?? [];
  return Number(soft ?? 1_024);
}

/** Resident memory in units of 1,000 bytes, once it has stopped moving: garbage of the handshakes is no socket. */
async function settledMemory(pid: number, waitMs: number): Promise<number> {
  const readings: number[] = [];
  const endMs = performance.now() + waitMs;
  while (performance.now() < endMs) {
    const [, kib] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    readings.push((Number(kib) * 1_024) / 1_000);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return Math.min(...readings.slice(-4));
}

interface Broadcast {
  readonly sockets: number;
  readonly lastMs: Spread | undefined;
  readonly perSecond: number;
}

/** One member's devices on two processes, all told of a change of the profile. */
async function broadcasts({ stage, options }: Bench, place: MembersPlace): Promise<Broadcast> {
  const client = openClient(4);
  const { access_token: token } = await signIn(client, place, 0);
  const count = options.isQuick ? 100 : 4_000;
  const halves = await Promise.all([0, 1].map((at) => openSockets(place, { count: count / 2, at, tokens: [token] })));
  const sockets = halves.flat();
  const times: number[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    const before = sockets.map((socket) => socket.texts());
    const startedMs = performance.now();
    const told = sockets.map((socket, index) => socket.untilTexts((before[index] ?? 0) + 1));
    const body = { rue: `Rue ${round + 2}` };
    const headers = { authorization: `Bearer ${token}`, ...freshAddress() };
    wanted(await client.send(`${place.addresses[0] ?? ''}/users/me`, { method: 'PATCH', body, headers }), 200);
    await Promise.all(told);
    times.push(performance.now() - startedMs);
  }
  for (const socket of sockets) socket.end();
  client.close();
  await until('the sockets have ended', () => ended(sockets), { timeoutMs: 30_000, signal: stage.signal });
  const lastMs = spreadOf(times);
  return { sockets: count, lastMs, perSecond: count / ((lastMs?.median ?? NaN) / 1_000) };
}

async function ended(sockets: readonly RawSocket[]): Promise<true> {
  await Promise.all(sockets.map((socket) => socket.untilClosed()));
  return true;
}

interface Revocation {
  readonly sessions: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly faults: readonly string[];
}

/** A logout on the one process, a few at a time, and the socket of that session on the other. */
async function revocations({ stage, options }: Bench, place: MembersPlace): Promise<Revocation> {
  const client = openClient(8);
  const [times, codes]: [number[], number[]] = [[], []];
  const each = async (member: number): Promise<void> => {
    const tokens = await signIn(client, place, member);
    const [socket] = await openSockets(place, { count: 1, at: 1, tokens: [tokens.access_token] });
    const startedMs = performance.now();
    const sending = { method: 'POST', body: { refresh_token: tokens.refresh_token }, headers: freshAddress() } as const;
    const [, code = 0] = await Promise.all([
      client.send(`${place.addresses[0] ?? ''}/auth/logout`, sending).then((heard) => wanted(heard, 204)),
      socket?.untilClosed().then((closedWith) => {
        times.push(performance.now() - startedMs);
        return closedWith;
      }),
    ]);
    codes.push(code);
  };
  const count = options.isQuick ? 20 : 400;
  for (let member = 0; member < count; member += 4) {
    stage.signal.throwIfAborted();
    await Promise.all([0, 1, 2, 3].map((more) => each(member + more)));
  }
  client.close();
  const others = codes.filter((code) => code !== 4_401);
  return {
    sessions: codes.length,
    p50Ms: percentileOf(times, 0.5),
    p99Ms: percentileOf(times, 0.99),
    faults: others.length === 0 ? [] : [`sockets: ${others.length} closed with ${others[0]} instead of 4401`],
  };
}

function sectionOf(found: {
  readonly idle: Idle;
  readonly broadcast: Broadcast;
  readonly revocation: Revocation;
}): Section {
  const { idle, broadcast, revocation } = found;
  const isWhole = idle.sockets >= socketsWanted - otherFiles - 100;
  return {
    title: 'Sockets',
    text: [
      'Idle sockets in one process, without compression: memory is what the process grew by, of 1,000 bytes, without the ' +
        'kernel’s. A push goes from a PATCH on one process to all devices of a member on two. A revocation goes from ' +
        'sending a logout to one process until the socket of that session on the other has been closed with 4401.',
    ],
    tables: [
      {
        head: ['what', 'figure'],
        rows: [
          ['idle sockets in one process', shortNumber(idle.sockets)],
          ['KB each', shortNumber(idle.kilobytesEach)],
          ['handshakes a second, each with its audit row', shortNumber(idle.handshakesPerSecond)],
          ['devices told of a change, on two processes', shortNumber(broadcast.sockets)],
          ['ms until the last of them had heard', spreadText(broadcast.lastMs)],
          ['devices told a second', shortNumber(broadcast.perSecond)],
          ['revocations', shortNumber(revocation.sessions)],
          ['ms until the socket was closed, p50', shortNumber(revocation.p50Ms)],
          ['ms until the socket was closed, p99', shortNumber(revocation.p99Ms)],
        ],
      },
    ],
    readings: [
      {
        bar: 'idle-sockets',
        measured: isWhole ? spreadOf([idle.kilobytesEach]) : undefined,
        remark: `measured with ${shortNumber(idle.sockets)} sockets: this system allows a process that many files`,
      },
      { bar: 'revocation', measured: spreadOf([revocation.p99Ms]) },
    ],
    leftOut: [],
    faults: revocation.faults,
    data: found,
  };
}
