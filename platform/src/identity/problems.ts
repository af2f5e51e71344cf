import { defineProblem } from '../kernel/index.ts';

export const hashingOverloaded = defineProblem(
  'hashing_overloaded',
  503,
  'Service Unavailable',
  'Too many passwords are being checked at the moment: try again in {seconds} s.',
);

export const passwordTooLong = defineProblem(
  'password_too_long',
  422,
  'Unprocessable Content',
  'The password is longer than {bytesMax} bytes.',
);

export const passwordNotText = defineProblem(
  'password_not_text',
  422,
  'Unprocessable Content',
  'The password holds half of a character: it is no well-formed Unicode text.',
);

export const tokenInvalid = defineProblem(
  'token_invalid',
  401,
  'Unauthorized',
  'The access token is not one that this service accepts: sign in again.',
);

export const tokenExpired = defineProblem(
  'token_expired',
  401,
  'Unauthorized',
  'The access token has expired: refresh it or sign in again.',
);

/** Unknown, expired and revoked refresh tokens are told in the same words, so that nobody learns which it was. */
export const refreshInvalid = defineProblem(
  'refresh_invalid',
  401,
  'Unauthorized',
  'The refresh token is not valid any more: sign in again.',
);

export const refreshReused = defineProblem(
  'refresh_reused',
  401,
  'Unauthorized',
  'The refresh token was used before, so its session has been ended: sign in again.',
);

/** The challenge of RFC 6750 section 3.1, with every 401 that answers a token. */
export const invalidTokenHeaders = { 'www-authenticate': 'Bearer error="invalid_token"' } as const;

/** The identity part of every service's catalogue. */
export const identityProblems = [
  hashingOverloaded,
  passwordTooLong,
  passwordNotText,
  tokenInvalid,
  tokenExpired,
  refreshInvalid,
  refreshReused,
] as const;
