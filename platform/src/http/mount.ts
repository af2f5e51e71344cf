import type { Actor, Context, Log } from '../kernel/index.ts';
import type { LegacyMembers } from './problem-reply.ts';
import type { RateLimit, Route } from './route.ts';
import type { SocketRoute } from './sockets.ts';

export interface LimitDecision {
  readonly allowed: boolean;
  readonly remaining: number;
  readonly retryAfterMs: number;
  readonly resetMs: number;
}

/** One part that a service needs, for `/ready`. */
export interface ReadyCheck {
  readonly name: string;
  /** Whether the service can do nothing without it. */
  readonly isEssential: boolean;
  /** Rejects, or resolves to more to show beside the latency; `status: 'down'` among it says down and shows the rest. */
  check(): Promise<Readonly<Record<string, unknown>>>;
}

/** What the documents of a service say of it. */
export interface ServiceFace {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly version: string;
}

/** A service as the server sees it: its routes, and how it decides who may. */
export interface Mount<App> {
  readonly face: ServiceFace;
  /** `/mexa` where several services share the port, else empty. */
  readonly prefix: string;
  readonly app: App;
  /** Routes at the service's root: `/`, `/health`. */
  readonly rootRoutes: readonly Route<App>[];
  /** Routes under each of `apiPrefixes`; the first is the documented one. */
  readonly apiRoutes: readonly Route<App>[];
  readonly apiPrefixes: readonly string[];
  /** Paths that upgrade to WebSocket. */
  readonly socketRoutes?: readonly SocketRoute<App>[];
  readonly log: Log;
  readonly readyChecks: readonly ReadyCheck[];
  readonly hasDocs: boolean;
  readonly legacyMembers?: LegacyMembers;
  /** Throws a 401 problem for a token that is not good. */
  authenticate(token: string): Promise<Actor> | Actor;
  can(actor: Actor, permission: string): boolean;
  limit(policy: RateLimit, key: string): Promise<LimitDecision>;
  /** Told when a signed-in caller was refused, for the audit. */
  onRefused?(request: { readonly actor: Actor; readonly permission: string }, context: Context): Promise<void>;
}
