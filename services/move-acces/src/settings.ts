import { choice, type ConfigOf, databaseUrl, integer, secret } from '@quinta/platform/config';
import { auditSettings, databaseSettings, hostSettings } from '@quinta/platform/service';

const hourMin = 1;

export const moveAccesSettings = {
  ...hostSettings,
  ...databaseSettings,
  ...auditSettings,
  DB_URL: databaseUrl('The database, as the earlier system named it; `mysql+asyncmy://` is understood'),
  ENVIRONMENT: choice(
    'The earlier system’s name for APP_ENV; production refuses weak secrets',
    ['development', 'test', 'production'],
    'development',
  ),
  APP_SECRET: secret('Signs tokens and member codes; in development one is made and kept in the data folder'),
  APP_SECRET_PREVIOUS: secret('The secret before it, good for verification until the last old token has expired'),
  ACCESS_TOKEN_TTL_MIN: integer('Life of an access token in minutes', 15, { min: 1, max: 1_440 }),
  REFRESH_TOKEN_TTL_HOURS: integer('How long an unused refresh token stays good', 24, { min: hourMin, max: 8_784 }),
  REFRESH_ABSOLUTE_TTL_HOURS: integer('How long a sign-in lasts at most', 720, { min: hourMin, max: 87_840 }),
  REFRESH_GRACE_S: integer('How long a repeated refresh gets the same answer', 30, { min: 0, max: 600 }),
  REFRESH_MODE: choice(
    'rotate: each refresh gives a new refresh token; compatible: the old one stays good, for clients that keep it',
    ['rotate', 'compatible'],
    'rotate',
  ),
  RATE_LIMIT_LOGIN_PER_MIN: integer('Sign-ins an address may try in a minute', 5, { min: 1, max: 10_000 }),
  RATE_LIMIT_API_PER_5MIN: integer('Requests an address may send in five minutes', 100, { min: 1, max: 10_000 }),
  ACCOUNT_FAILURES_PER_15MIN: integer(
    'Failed sign-ins of one account, from addresses it has never used, before only known addresses are let in',
    20,
    { min: 1, max: 10_000 },
  ),
  PASSWORD_LENGTH_MIN: integer('Characters that a new password has at least', 8, { min: 8, max: 15 }),
  ARGON2_MEMORY_KIB: integer('Argon2id memory', 65_536, { min: 7_168, max: 4_194_304 }),
  ARGON2_PASSES: integer('Argon2id passes', 3, { min: 1, max: 100 }),
  ARGON2_LANES: integer('Argon2id lanes', 4, { min: 1, max: 64 }),
  HASHING_CONCURRENCY: integer('Hashes at once; default the number of cores', undefined, { min: 1, max: 256 }),
  HASHING_QUEUE_MAX: integer('Hashes that may wait; one more is a 503', 100, { min: 0, max: 100_000 }),
  ABONNEMENT_WATCH_S: integer('How often the subscriptions of connected members are looked at', 15, {
    min: 1,
    max: 3_600,
  }),
  SOCKETS_PER_MEMBER: integer('Connections of one member to one process', 20, { min: 1, max: 10_000 }),
  SOCKETS_PER_PROCESS: integer('Connections to one process', 20_000, { min: 1, max: 200_000 }),
  LEGACY_HASHES: choice(
    'Which hashes the earlier tables may hold beside Argon2: each failed sign-in costs as much as all of them',
    ['none', 'bcrypt', 'all'],
    'all',
  ),
  LEGACY_COLUMNS: choice(
    'What the columns of the other system are called: as given, with the prefixes of its later version, or as found',
    ['detect', 'given', 'prefixed'],
    'detect',
  ),
} as const;

export type MoveAccesConfig = ConfigOf<typeof moveAccesSettings>;

/** Whether it runs in production by either of the two names. */
export function isInProduction(config: MoveAccesConfig, isProduction: boolean): boolean {
  return isProduction || config.ENVIRONMENT === 'production';
}
