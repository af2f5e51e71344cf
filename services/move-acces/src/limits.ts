import type { RateLimit, Route } from '@quinta/platform/http';
import type { MoveAcces } from './app.ts';

export const apiLimit = ({ config }: MoveAcces): RateLimit => ({
  name: 'api',
  limit: config.RATE_LIMIT_API_PER_5MIN,
  windowMs: 5 * 60_000,
});

/** Every attempt counts, whatever its outcome. */
export const signInLimit = ({ config }: MoveAcces): RateLimit => ({
  name: 'login',
  limit: config.RATE_LIMIT_LOGIN_PER_MIN,
  windowMs: 60_000,
});

/** The promised limit of the API on each route, before the route's own. */
export function withApiLimit(routes: readonly Route<MoveAcces>[]): readonly Route<MoveAcces>[] {
  return routes.map((route) => ({
    ...route,
    rateLimit: (app) => [apiLimit(app), ...[route.rateLimit?.(app) ?? []].flat()],
  }));
}
