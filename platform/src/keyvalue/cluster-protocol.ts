import type { Operations } from './backend.ts';

/**
 * How a worker talks to the cluster's primary: `call` up, `reply` down with the same id, and without being asked
 * `push` (a message on a channel that the worker listens to) and `gap` (some of those were dropped).
 */
export interface CallMessage {
  readonly quinta: typeof protocolName;
  readonly kind: 'call';
  /** Which adapter of the worker asks; it may have several, one a service. */
  readonly link: number;
  /** No two calls of one adapter have the same. */
  readonly id: number;
  readonly operation: CallName;
  readonly args: readonly unknown[];
  /** By the machine's monotonic clock: a call that was left lying longer is answered by nobody, so it is not done. */
  readonly endsAtMs: number;
}

export interface ReplyMessage {
  readonly quinta: typeof protocolName;
  readonly kind: 'reply';
  readonly link: number;
  readonly id: number;
  readonly value?: unknown;
  /** Why the call failed. */
  readonly fault?: string;
}

export interface PushMessage {
  readonly quinta: typeof protocolName;
  readonly kind: 'push';
  readonly link: number;
  readonly channel: string;
  readonly message: string;
}

export interface GapMessage {
  readonly quinta: typeof protocolName;
  readonly kind: 'gap';
  /** One pipe serves all adapters of the worker, so what it lost concerns them all. */
  readonly link: 'all';
}

export type CallName = keyof Operations | 'subscribe' | 'unsubscribe';
export type DownMessage = ReplyMessage | PushMessage | GapMessage;

export const protocolName = 'keyvalue/1';

/** Other parts of the house use the same pipe; theirs are left alone. */
export function isCall(message: unknown): message is CallMessage {
  return isOurs(message) && message.kind === 'call';
}

export function isDown(message: unknown): message is DownMessage {
  return isOurs(message) && message.kind !== 'call';
}

/** Milliseconds of CLOCK_MONOTONIC, which all processes of one machine read alike. */
export function machineNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function isOurs(message: unknown): message is CallMessage | DownMessage {
  return typeof message === 'object' && message !== null && 'quinta' in message && message.quinta === protocolName;
}
