import type { Revocations } from '@quinta/platform/identity';
import { silentLog } from '@quinta/platform/kernel';
import { memoryKeyValue } from '@quinta/platform/keyvalue';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Hub, type MemberSocket, openHub } from './hub.ts';

const startMs = Date.parse('2026-03-01T12:00:00Z');
let nowMs = startMs;
let listeners: ((sessionId: string) => void)[] = [];
let hub: Hub;

const revocations = {
  onRevoked: (listener: (sessionId: string) => void) => {
    listeners.push(listener);
    return () => undefined;
  },
  revokedHere: () => undefined,
} satisfies Partial<Revocations>;

beforeEach(async () => {
  vi.useFakeTimers();
  [nowMs, listeners] = [startMs, []];
  hub = openHub({
    keyValue: memoryKeyValue(),
    // The two members that the hub asks for.
    revocations: revocations as unknown as Revocations,
    clock: { now: () => new Date(nowMs) },
    log: silentLog,
  });
  await hub.start();
});
afterEach(async () => {
  await hub.stop();
  vi.useRealTimers();
});

/** A connection of a member that notes what it is told. */
function connected(memberId: number, sessionId: string, livesMs: number) {
  const said: string[] = [];
  const socket: MemberSocket = {
    memberId,
    sessionId,
    expiresAtMs: startMs + livesMs,
    isWarned: false,
    connection: { send: (text) => said.push(text), close: (code) => said.push(`closed ${code}`) },
  };
  hub.add(socket);
  return { socket, said };
}

const pass = (ms: number): void => {
  nowMs += ms;
  vi.advanceTimersByTime(ms);
};

test('a connection is warned a minute before its token expires, once, and closed with 1008 when it has', () => {
  const { said } = connected(1, 's', 120_000);
  pass(59_000);
  expect(said).toEqual([]);
  pass(2_000);
  expect(said).toEqual(['{"type":"session_expiring","expires_in":59}']);
  pass(57_000);
  expect(said).toHaveLength(1);
  pass(2_000);
  expect(said).toContain('closed 1008');
});

test('a newer token moves the end, and a new warning comes before that', () => {
  const { socket, said } = connected(1, 's', 120_000);
  pass(61_000);
  socket.expiresAtMs = nowMs + 900_000;
  socket.isWarned = false;
  pass(120_000);
  expect(said).toHaveLength(1);
  pass(721_000);
  expect(said).toHaveLength(2);
});

test('the end of a session closes its connections, and the member’s others are told by a push', () => {
  const [mine, other, stranger] = [connected(1, 'a', 900_000), connected(1, 'b', 900_000), connected(2, 'c', 900_000)];
  for (const listener of listeners) listener('a');
  hub.push(1, { type: 'session_revoked', session_id: 'a' });
  expect(mine.said[0]).toBe('closed 4401');
  expect(other.said).toEqual(['{"type":"session_revoked","session_id":"a"}']);
  expect(stranger.said).toEqual([]);
});

test('counts connections by member, and none twice', () => {
  const { socket } = connected(1, 'a', 900_000);
  connected(1, 'b', 900_000);
  expect([hub.countOf(1), hub.countOf(2), hub.size]).toEqual([2, 0, 2]);
  hub.remove(socket);
  hub.remove(socket);
  expect([hub.countOf(1), hub.size]).toEqual([1, 1]);
});
