import jwt from 'jsonwebtoken';
import { mayDraw, Refusal } from './contract.mjs';
import { settings } from './settings.mjs';

const { jwtSecret, jwtIssuer: issuer, jwtAudience: audience } = settings;

/** Who sends the request, from its bearer token: signature, expiry, issuer and audience are checked each time. */
export function actorOf(authorization = '') {
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
  if (token === undefined) throw new Refusal(401, 'A bearer token is required');
  const claims = claimsOf(token);
  if (!mayDraw(claims.role)) throw new Refusal(403, 'Your role may not draw vouchers');
  return { id: Number(claims.sub), role: claims.role };
}

function claimsOf(token) {
  try {
    return jwt.verify(token, jwtSecret, { algorithms: ['HS256'], issuer, audience });
  } catch (error) {
    throw new Refusal(401, 'The token is not valid', { cause: error });
  }
}
