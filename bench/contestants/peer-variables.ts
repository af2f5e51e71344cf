import type { Variables } from '../stage/children.ts';
import { surroundings } from '../stage/quinta.ts';
import type { Surroundings } from './contestant.ts';

/** What the bench tells every peer: its database, and whose tokens to take. */
export function peerVariables({ stage, database }: Surroundings): Variables {
  return {
    ...surroundings(),
    DATABASE_URL: database.applicationUrl,
    JWT_SECRET: stage.jwt.secret,
    JWT_ISSUER: stage.jwt.issuer,
    JWT_AUDIENCE: stage.jwt.audience,
  };
}
