import { choice, type ConfigOf, integer, password, secret, text } from '@quinta/platform/config';
import { couchSettings } from '@quinta/platform/documents';
import {
  auditSettings,
  databaseSettings,
  hostSettings,
  identitySettings,
  replicaSettings,
} from '@quinta/platform/service';

export const sofipoSettings = {
  ...hostSettings,
  ...databaseSettings,
  ...replicaSettings,
  ...auditSettings,
  ARGON2_MEMORY_KIB: identitySettings.ARGON2_MEMORY_KIB,
  ARGON2_PASSES: identitySettings.ARGON2_PASSES,
  ARGON2_LANES: identitySettings.ARGON2_LANES,
  HASHING_CONCURRENCY: identitySettings.HASHING_CONCURRENCY,
  HASHING_QUEUE_MAX: identitySettings.HASHING_QUEUE_MAX,
  LOGIN_ATTEMPTS_PER_MINUTE: identitySettings.LOGIN_ATTEMPTS_PER_MINUTE,
  POSTGRES_HOST: text('Host of the primary, where no DATABASE_URL is set', undefined),
  POSTGRES_PORT: integer('Port of the primary', 5_432, { min: 1, max: 65_535 }),
  POSTGRES_USER: text('User of the database', 'sofipo_user'),
  POSTGRES_PASSWORD: password('Password of that user', undefined),
  POSTGRES_DB: text('Name of the database', 'sofipo_db'),
  POSTGRES_REPLICA_HOST: text(
    'Host of a streaming replica of POSTGRES_HOST for reads; user and name are the same',
    undefined,
  ),
  POSTGRES_REPLICA_PORT: integer('Port of the replica', 5_432, { min: 1, max: 65_535 }),
  API_SECRET_KEY: secret('Signs access tokens; in development one is made and kept in the data folder'),
  API_SECRET_KEY_PREVIOUS: secret('The secret before it, good for verification until the last old token has expired'),
  API_ALGORITHM: choice('How access tokens are signed; there is one way', ['HS256'], 'HS256'),
  API_ACCESS_TOKEN_EXPIRE_MINUTES: integer('Life of an access token in minutes', 30, { min: 1, max: 1_440 }),
  PUBLIC_READS: choice(
    'Whether strangers may read clients, loans and statements; auto: in development',
    ['on', 'off', 'auto'],
    'auto',
  ),
  SOFIPO_ADMIN_USERNAME: text('Name of the first admin, made at start where there is none', undefined),
  SOFIPO_ADMIN_PASSWORD: password('Password of that admin', undefined),
  SOFIPO_DAY_CLOSE: choice(
    'Whether days that are over are closed by themselves, looked at every hour; else by quinta sofipo close-day',
    ['on', 'off'],
    'on',
  ),
  SOFIPO_RESERVE_TYPE: choice(
    'Which table of reserves the credits fall under: ordinary consumer credit, or that of marginal zones',
    ['type_1', 'type_2'],
    'type_1',
  ),
  SOFIPO_TIME_ZONE: text('Where the business day begins and ends', 'America/Mexico_City'),
  ...couchSettings,
  RABBITMQ_URL: text('RabbitMQ as amqp://user:password@host:port/; wins over the parts below', undefined),
  RABBITMQ_HOST: text('Host of RabbitMQ; without it events are kept in the database', undefined),
  RABBITMQ_PORT: integer('Port of RabbitMQ', 5_672, { min: 1, max: 65_535 }),
  RABBITMQ_DEFAULT_USER: text('User of RabbitMQ', 'guest'),
  RABBITMQ_DEFAULT_PASS: password('Password of that user', 'guest'),
} as const;

export type SofipoConfig = ConfigOf<typeof sofipoSettings>;
