import type { Actor } from '../kernel/index.ts';
import type { AccessTokens } from './access-tokens.ts';
import { invalidTokenHeaders, tokenInvalid } from './problems.ts';
import type { Revocations } from './revocations.ts';

/**
 * Who a token speaks for, if it is good and its session has not ended. Nearly every token is known, and then nothing is
 * waited for. Throws Problem `token_invalid` or `token_expired`.
 */
export function authenticator(parts: {
  readonly tokens: AccessTokens;
  readonly revocations: Revocations;
}): (token: string) => Promise<Actor> | Actor {
  const { tokens, revocations } = parts;
  const inOpenSession = (actor: Actor): Promise<Actor> | Actor => {
    const isRevoked = revocations.isRevoked(actor.sessionId);
    return isRevoked instanceof Promise
      ? isRevoked.then((is) => unlessRevoked(actor, is))
      : unlessRevoked(actor, isRevoked);
  };
  return (token) => {
    const known = tokens.remembered(token);
    return known ? inOpenSession(known) : tokens.verify(token).then(inOpenSession);
  };
}

function unlessRevoked(actor: Actor, isRevoked: boolean): Actor {
  if (isRevoked) throw tokenInvalid({}, { headers: invalidTokenHeaders });
  return actor;
}
