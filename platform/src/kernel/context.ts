import type { Log } from './log.ts';
import type { Clock } from './time.ts';

/** Who is asking, once signed in. */
export interface Actor {
  /** The subject of the token: the key of the user as text. */
  readonly id: string;
  readonly name: string;
  readonly role: string;
  /** The refresh family that the access token belongs to. */
  readonly sessionId: string;
  /** When the token that spoke for them expires; absent where there was none. */
  readonly expiresAt?: Date;
}

/** Where a request came from. */
export interface ClientOrigin {
  /** The client's address behind trusted proxies, IPv4-mapped folded. */
  readonly address: string;
  readonly userAgent: string;
}

/** What every use case gets besides its input. */
export interface Context {
  readonly requestId: string;
  /** W3C trace id, 32 hex digits. */
  readonly traceId: string;
  readonly actor: Actor | undefined;
  readonly client: ClientOrigin;
  /** The operation's name, such as `vale.issue`: the same in logs, metrics, permissions and audit. */
  readonly operation: string;
  readonly method: string;
  /** The path as asked, without its query. */
  readonly endpoint: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the client has gone or the request's time is over. */
  readonly signal: AbortSignal;
}

/** The key of the user who asks, where the service's users have numbers. Throws for a request of nobody. */
export function actorIdOf({ actor, operation }: Pick<Context, 'actor' | 'operation'>): number {
  const id = Number(actor?.id);
  if (!Number.isSafeInteger(id) || id < 1) throw new Error(`${operation} needs a signed-in user`);
  return id;
}
