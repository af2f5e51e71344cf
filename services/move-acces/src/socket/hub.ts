import { randomUUID } from 'node:crypto';
import type { SocketConnection } from '@quinta/platform/http';
import type { Revocations } from '@quinta/platform/identity';
import type { KeyValue } from '@quinta/platform/keyvalue';
import type { Clock, Log } from '@quinta/platform/kernel';
import { z } from 'zod';

/** A member's open connection, of one session. */
export interface MemberSocket {
  readonly memberId: number;
  readonly sessionId: string;
  /** When its access token expires; a new one moves it. */
  expiresAtMs: number;
  /** Whether the member was told that it will. */
  isWarned: boolean;
  readonly connection: SocketConnection;
}

/** What every device of a member is told, on whichever process it is connected. */
export const pushes = z.discriminatedUnion('type', [
  z.object({ type: z.literal('profile_updated') }),
  z.object({ type: z.literal('abonnement_changed') }),
  z.object({ type: z.literal('session_revoked'), session_id: z.string() }),
]);

export type Push = z.output<typeof pushes>;

/** The connections of this process, and the way to those of the others. */
export interface Hub {
  add(socket: MemberSocket): void;
  remove(socket: MemberSocket): void;
  /** How many connections a member has in this process. */
  countOf(memberId: number): number;
  readonly size: number;
  /** The members who are connected to this process. */
  members(): Iterable<number>;
  /** Tells the devices of a member that are connected to this process. */
  tellHere(memberId: number, push: Push): void;
  /** Tells all devices of a member, on every process; lost where the key-value store is gone, but for those here. */
  push(memberId: number, push: Push): void;
  /** Tells every process that a session has ended; without the key-value store they learn it from the database. */
  sessionEnded(sessionId: string): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Close codes beside those of RFC 6455. */
export const closeCodes = { policyViolation: 1_008, revoked: 4_401, tooMany: 4_429 } as const;

const channel = 'move-acces:members';
const sweepMs = 1_000;
/** A member is told so long before a connection ends with its token. */
const warnMs = 60_000;

/** What the processes tell each other; `from` is the sender, who has done it already. */
const noticeForm = z.object({
  from: z.string(),
  member_id: z.int().optional(),
  push: pushes.optional(),
  ended: z.string().max(64).optional(),
});

export function openHub(parts: {
  readonly keyValue: KeyValue;
  readonly revocations: Revocations;
  readonly clock: Clock;
  readonly log: Log;
}): Hub {
  return new MemberHub(parts);
}

class MemberHub implements Hub {
  readonly #byMember = new Map<number, Set<MemberSocket>>();
  readonly #bySession = new Map<string, Set<MemberSocket>>();
  readonly #parts: Parameters<typeof openHub>[0];
  readonly #id = randomUUID();
  #size = 0;
  #sweep: NodeJS.Timeout | undefined;
  #ends: (() => void | Promise<void>)[] = [];

  constructor(parts: Parameters<typeof openHub>[0]) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#size;
  }

  countOf(memberId: number): number {
    return this.#byMember.get(memberId)?.size ?? 0;
  }

  add(socket: MemberSocket): void {
    put(this.#byMember, socket.memberId, socket);
    put(this.#bySession, socket.sessionId, socket);
    this.#size += 1;
  }

  remove(socket: MemberSocket): void {
    const isMine = take(this.#byMember, socket.memberId, socket);
    take(this.#bySession, socket.sessionId, socket);
    if (isMine) this.#size -= 1;
  }

  members(): Iterable<number> {
    return this.#byMember.keys();
  }

  tellHere(memberId: number, push: Push): void {
    this.#deliver(memberId, push);
  }

  push(memberId: number, push: Push): void {
    this.#deliver(memberId, push);
    this.#publish({ member_id: memberId, push });
  }

  sessionEnded(sessionId: string): void {
    this.#publish({ ended: sessionId });
  }

  async start(): Promise<void> {
    const { keyValue, revocations } = this.#parts;
    this.#ends.push(revocations.onRevoked((sessionId) => this.#close(sessionId)));
    const subscription = await keyValue.subscribe(channel, { onMessage: (message) => this.#hear(message) });
    this.#ends.push(() => subscription.close());
    this.#sweep = setInterval(() => this.#expire(), sweepMs).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    for (const end of this.#ends.splice(0)) await end();
  }

  #hear(message: string): void {
    const read = noticeForm.safeParse(parsedJson(message));
    if (!read.success || read.data.from === this.#id) return;
    const { member_id: memberId, push, ended } = read.data;
    if (ended !== undefined) this.#parts.revocations.revokedHere(ended);
    if (memberId !== undefined && push) this.#deliver(memberId, push);
  }

  #publish(notice: Omit<z.output<typeof noticeForm>, 'from'>): void {
    const { keyValue, log } = this.#parts;
    void keyValue.publish(channel, JSON.stringify({ from: this.#id, ...notice })).catch((error: unknown) => {
      log.warn({ error }, 'Other processes could not be told at once');
    });
  }

  #deliver(memberId: number, push: Push): void {
    const text = JSON.stringify(push);
    for (const { connection } of this.#byMember.get(memberId) ?? []) connection.send(text);
  }

  #close(sessionId: string): void {
    for (const { connection } of this.#bySession.get(sessionId) ?? []) {
      connection.close(closeCodes.revoked, 'Session revoked');
    }
  }

  /** One look a second at all of them costs less than a timer each. */
  #expire(): void {
    const nowMs = this.#parts.clock.now().getTime();
    for (const sockets of this.#bySession.values()) for (const socket of sockets) expire(socket, nowMs);
  }
}

function expire(socket: MemberSocket, nowMs: number): void {
  const leftMs = socket.expiresAtMs - nowMs;
  if (leftMs <= 0) return socket.connection.close(closeCodes.policyViolation, 'Token expired');
  if (leftMs > warnMs || socket.isWarned) return;
  socket.isWarned = true;
  socket.connection.send(JSON.stringify({ type: 'session_expiring', expires_in: Math.ceil(leftMs / 1000) }));
}

function put<Key>(sets: Map<Key, Set<MemberSocket>>, key: Key, socket: MemberSocket): void {
  const set = sets.get(key);
  if (set) set.add(socket);
  else sets.set(key, new Set([socket]));
}

function take<Key>(sets: Map<Key, Set<MemberSocket>>, key: Key, socket: MemberSocket): boolean {
  const set = sets.get(key);
  const isThere = set?.delete(socket) ?? false;
  if (set?.size === 0) sets.delete(key);
  return isThere;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // nobody of ours wrote it
  }
}
