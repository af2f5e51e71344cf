import type { z } from 'zod';
import type { Actor, Context } from '../kernel/index.ts';

/** Body schemas by status; null where the answer has no body. */
export type Replies = Readonly<Record<number, z.ZodType | null>>;

/**
 * Rows or bytes sent while they are made, so that an export never stands in memory whole. What fails before the first of
 * them is answered as a problem, what fails later breaks the connection off.
 */
export interface StreamReply {
  readonly status: 200;
  /** Text is sent as UTF-8. */
  readonly stream: AsyncIterable<string | Uint8Array>;
  /** Of a type that the route lists in `streams`. */
  readonly contentType: string;
  /** Offered to the browser as the file's name. */
  readonly fileName: string;
}

export type ReplyOf<R extends Replies> =
  | {
      readonly [Status in keyof R & number]: {
        readonly status: Status;
        readonly body: R[Status] extends z.ZodType ? z.input<R[Status]> : undefined;
        readonly headers?: Readonly<Record<string, string>>;
      };
    }[keyof R & number]
  | StreamReply;

/** One request to a handler: parsed input and who asks. */
export interface Call<App, Params, Query, Body> {
  readonly app: App;
  readonly context: Context;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The header of that name, where the client sent one. */
  readonly idempotencyKey: string | undefined;
  /**
   * Refuses a change where the client's `If-Match` does not name `current`, the body of 200 that stands there now. Call
   * it where the row is locked.
   * @throws Problem precondition_failed
   */
  readonly requireMatch: (current: unknown) => void;
  /** Whether the caller's role holds a permission. */
  can(permission: string): boolean;
}

export interface SignedInCall<App, Params, Query, Body> extends Call<App, Params, Query, Body> {
  readonly actor: Actor;
}

/** How often one may ask: at most `limit` in any `windowMs`. */
export interface RateLimit {
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
}

interface RouteShape<App, P, Q, B, R extends Replies> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/vales/:id` */
  readonly path: string;
  /** `vale.issue`: the name in permissions, logs, metrics, audit and OpenAPI. */
  readonly operation: string;
  readonly summary: string;
  readonly tag: string;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  readonly replies: R;
  /** The media types of what it may stream: `text/csv`, `application/pdf`. */
  readonly streams?: readonly string[];
  /** Codes of problems that this route may answer besides the platform's own. */
  readonly problems?: readonly string[];
  /** How often one address may ask; counted before anything else is looked at. Of several each must admit it, in order. */
  rateLimit?(app: App): RateLimit | readonly RateLimit[];
  /** `form`: the body is a form (`application/x-www-form-urlencoded`) instead of JSON. */
  readonly bodyType?: 'json' | 'form';
  readonly bodyBytesMax?: number;
  /** Whether strangers may ask as well, where the service says so; only for what is else for whoever is signed in. */
  isOpenToAll?(app: App): boolean;
  /** Whether a client may send `Idempotency-Key`. */
  readonly isIdempotent?: boolean;
  /** Whether the answer carries an ETag; a GET is then answered 304 where the client has it already. */
  readonly isCacheable?: boolean;
}

/** `public`: anybody. `signed-in`: any role. `permission`: a role that holds the operation's name. */
export type Access = 'public' | 'signed-in' | 'permission';

/** A route with its types erased, as the server mounts it. */
export interface Route<App> extends RouteShape<App, unknown, unknown, unknown, Replies> {
  readonly access: Access;
  handle(call: SignedInCall<App, unknown, unknown, unknown>): Promise<ReplyOf<Replies>>;
}

type Unless<T> = unknown extends T ? undefined : T;

/** Makes a route of one kind of access; the types of its handler follow from its schemas. */
type RouteMaker<App> = <P, Q, B, R extends Replies>(
  shape: RouteShape<App, P, Q, B, R> & {
    handle(call: SignedInCall<App, Unless<P>, Unless<Q>, Unless<B>>): Promise<ReplyOf<R>>;
  },
) => Route<App>;

/** As `RouteMaker`, for handlers that may meet a stranger. */
type PublicRouteMaker<App> = <P, Q, B, R extends Replies>(
  shape: RouteShape<App, P, Q, B, R> & {
    handle(call: Call<App, Unless<P>, Unless<Q>, Unless<B>>): Promise<ReplyOf<R>>;
  },
) => Route<App>;

/** The makers of a service's routes: `const { route, publicRoute } = routesOf<Mexa>()`. */
export function routesOf<App>(): {
  /** For callers whose role holds the operation's name as a permission. */
  readonly route: RouteMaker<App>;
  /** For every signed-in caller. */
  readonly signedInRoute: RouteMaker<App>;
  readonly publicRoute: PublicRouteMaker<App>;
} {
  const erased =
    (access: Access) =>
    (shape: object): Route<App> =>
      ({ ...shape, access }) as Route<App>;
  return { route: erased('permission'), signedInRoute: erased('signed-in'), publicRoute: erased('public') };
}
