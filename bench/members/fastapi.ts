import type { Running } from '../contestants/contestant.ts';
import { startUvicorns } from '../contestants/uvicorn.ts';
import type { Bench } from '../parts/part.ts';
import type { MembersPlace } from './place.ts';

/** `GET /users/me` of the stack of the earlier system, on the tables, the Redis and the tokens of Move Acces. */
export function startFastapiMembers(
  bench: Bench,
  { database, redisUrl, secret }: MembersPlace,
): Promise<{ readonly running?: Running; readonly reason?: string }> {
  const env = { REDIS_URL: redisUrl, JWT_SECRET: secret };
  return startUvicorns(bench, { program: 'fastapi_members', database, env });
}
