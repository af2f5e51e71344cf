import { isIP } from 'node:net';
import {
  choice,
  type ConfigOf,
  databaseUrl,
  flag,
  integer,
  list,
  password,
  secret,
  text,
  url,
} from '../config/index.ts';

const dayS = 86_400;

/** Networks ("10.0.0.0/8") or single addresses, as `BlockList` takes them. */
function cidrs(about: string): ReturnType<typeof list> {
  const texts = list(about);
  return {
    ...texts,
    expects: 'a comma list or a JSON list of CIDRs such as 10.0.0.0/8',
    read: (value) => (texts.read(value)?.every(isCidr) ? texts.read(value) : undefined),
  };
}

function isCidr(entry: string): boolean {
  const [network = '', prefix = '0', ...rest] = entry.split('/');
  const bitsMax = isIP(network) === 6 ? 128 : 32;
  return isIP(network) !== 0 && rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bitsMax;
}

/** What one process has, however many services run in it. */
export const hostSettings = {
  APP_ENV: choice(
    'What the process is for; production refuses weak secrets',
    ['development', 'test', 'production'],
    'development',
  ),
  HOST: text('The address to listen on', '0.0.0.0'),
  PORT: integer('The port; alone, a service has its own default', undefined, { min: 0, max: 65_535 }),
  WORKERS: integer('How many processes share the port', 1, { min: 1, max: 64 }),
  QUINTA_DATA_DIR: text('Folder of the embedded database, keys and logs', '.quinta'),
  QUINTA_DEMO: flag('Whether demo data is loaded into the embedded database', true),
  TRUST_PROXY: cidrs('CIDRs of proxies whose X-Forwarded-For is believed'),
  CORS_ORIGINS: list('Origins that browsers may call from'),
  REDIS_URL: url('Redis 6+ or Valkey for limits and caches; without it they are kept in the process', [
    'redis',
    'rediss',
  ]),
  REDIS_HOST: text('Host of Redis, where no REDIS_URL is set', undefined),
  REDIS_PORT: integer('Port of Redis, beside REDIS_HOST', 6_379, { min: 1, max: 65_535 }),
  DATABASE_WAIT_MS: integer('How long a start waits for databases that do not answer yet', 30_000, {
    min: 0,
    max: 600_000,
  }),
  SHUTDOWN_TIMEOUT_MS: integer('How long requests in flight may take after SIGTERM', 10_000, { min: 0, max: 600_000 }),
  METRICS_TOKEN: secret('Bearer token that opens /metrics; without it /metrics is open'),
  DOCS: choice('Whether /docs, /redoc and /openapi.json answer', ['on', 'off'], 'on'),
  LOG_LEVEL: choice('The least level that is logged', ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'], 'INFO'),
  LOG_DIR: text('Folder for rotated log files besides standard output', undefined),
} as const;

/** `REDIS_URL`, or its parts once a host is named. Otherwise undefined: the memory of the process. */
export function redisUrlOf(
  host: Pick<ConfigOf<typeof hostSettings>, 'REDIS_URL' | 'REDIS_HOST' | 'REDIS_PORT'>,
): string | undefined {
  const { REDIS_URL: address, REDIS_HOST: name, REDIS_PORT: port } = host;
  return address !== undefined || name === undefined ? address : `redis://${name}:${port}/0`;
}

/** What every service with an SQL database has. */
export const databaseSettings = {
  DATABASE_URL: databaseUrl('The database; without it the embedded one is used'),
  MIGRATION_DATABASE_URL: databaseUrl('The same database as the role that owns its tables; default DATABASE_URL'),
  DATABASE_POOL_MAX: integer('Connections a process', 8, { min: 1, max: 200 }),
  DATABASE_STATEMENT_TIMEOUT_MS: integer('How long one statement may take', 10_000, { min: 100, max: 600_000 }),
  DATABASE_LOCK_TIMEOUT_MS: integer('How long one statement may wait for a lock', 5_000, { min: 50, max: 600_000 }),
  DATABASE_SLOW_MS: integer('Statements slower than this are logged', 500, { min: 1, max: 600_000 }),
} as const;

/** What a service has whose reads may go to a replica. */
export const replicaSettings = {
  DATABASE_REPLICA_URL: databaseUrl(
    'A streaming replica of the database for reads; down or behind, the primary answers',
  ),
  DATABASE_REPLICA_LAG_MAX_MS: integer('How old a state of the replica may be that is read', 1_000, {
    min: 200,
    max: 60_000,
  }),
} as const;

/** What every service has, since each keeps an audit. */
export const auditSettings = {
  AUDIT_SIGNING_KEY: secret('Signs audit checkpoints; in development one is made and kept in the data folder'),
  AUDIT_SIGNING_KEY_PREVIOUS: secret(
    'The key before it: signs as well while keys are changed, which confirms the new one',
  ),
  AUDIT_SEALING: flag('Whether this process seals audit rows; one of all processes must', true),
  AUDIT_CHECKPOINT_FILE: text('A file, best on another machine, to which checkpoints are appended', undefined),
  AUDIT_CHECKPOINT_URL: url('An address to which checkpoints are posted', ['http', 'https']),
  AUDIT_SHIP_SECONDS: integer('How often the newest checkpoint is sent there', 60, { min: 1, max: dayS }),
  AUDIT_LAG_MAX_S: integer('How far sealing may be behind before /ready says degraded', 60, { min: 1, max: dayS }),
} as const;

/** What every service with sign-in has. */
export const identitySettings = {
  JWT_SECRET: secret('Signs access tokens; in development one is made and kept in the data folder'),
  JWT_SECRET_PREVIOUS: secret('The secret before it, good for verification until the last old token has expired'),
  ACCESS_TOKEN_TTL_S: integer('Life of an access token in seconds', 3_600, { min: 60, max: dayS }),
  REFRESH_IDLE_TTL_S: integer('How long an unused refresh token stays good', 14 * dayS, { min: 60, max: 366 * dayS }),
  REFRESH_ABSOLUTE_TTL_S: integer('How long a sign-in lasts at most', 90 * dayS, { min: 60, max: 3_660 * dayS }),
  REFRESH_GRACE_S: integer('How long a repeated refresh gets the same answer', 30, { min: 0, max: 600 }),
  ARGON2_MEMORY_KIB: integer('Argon2id memory', 19_456, { min: 7_168, max: 4_194_304 }),
  ARGON2_PASSES: integer('Argon2id passes', 2, { min: 1, max: 100 }),
  ARGON2_LANES: integer('Argon2id lanes', 1, { min: 1, max: 64 }),
  HASHING_CONCURRENCY: integer('Hashes at once; default the number of cores', undefined, { min: 1, max: 256 }),
  HASHING_QUEUE_MAX: integer('Hashes that may wait; one more is a 503', 100, { min: 0, max: 100_000 }),
  LOGIN_ATTEMPTS_PER_MINUTE: integer('Sign-ins an address may try in a minute', 10, { min: 1, max: 10_000 }),
} as const;

/** `DATABASE_HOST` and its companions, where a README promised them instead of a URL. */
export function databasePartSettings(defaults: {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly user: string;
  readonly password: string;
}): {
  readonly DATABASE_HOST: ReturnType<typeof text<undefined>>;
  readonly DATABASE_PORT: ReturnType<typeof integer<number>>;
  readonly DATABASE_NAME: ReturnType<typeof text<string>>;
  readonly DATABASE_USER: ReturnType<typeof text<string>>;
  readonly DATABASE_PASSWORD: ReturnType<typeof password<string>>;
} {
  return {
    DATABASE_HOST: text(`Host of the database (in production ${defaults.host})`, undefined),
    DATABASE_PORT: integer('Port of the database', defaults.port, { min: 1, max: 65_535 }),
    DATABASE_NAME: text('Name of the database', defaults.name),
    DATABASE_USER: text('User of the database', defaults.user),
    DATABASE_PASSWORD: password('Password of that user', defaults.password),
  };
}
