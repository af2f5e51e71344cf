import { existsSync, readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../platform/src/config/index.ts';
import { hostSettings } from '../../platform/src/service/index.ts';
import { sofipo } from '../../services/sofipo/src/service.ts';
import {
  composeText,
  environmentOf,
  exampleVariables,
  folder,
  productionText,
  readCompose,
  variablesIn,
} from './test/compose-file.ts';

const { services, volumes = {} } = readCompose(composeText);
const ours = ['backend-api', 'event-consumer'];
const database = 'POSTGRES_USER POSTGRES_DB POSTGRES_PASSWORD POSTGRES_REPLICA_USER POSTGRES_REPLICA_PASSWORD';
const parts = 'RABBITMQ_HOST RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS REDIS_HOST REDIS_PORT';
const others =
  'COUCHDB_HOST COUCHDB_USER COUCHDB_PASSWORD API_SECRET_KEY API_ALGORITHM API_ACCESS_TOKEN_EXPIRE_MINUTES';
const promisedVariables = `${database} ${parts} ${others}`.split(' ');

/** `./a:/b:ro` as what is mounted where. */
const mounts = Object.values(services).flatMap(({ volumes: given = [] }) =>
  given.map((volume) => {
    const [source = '', target = '', mode] = volume.split(':');
    return { source, target, mode };
  }),
);

test.each([
  ['postgres-primary', 'postgres:15', ['5432:5432']],
  ['postgres-replica', 'postgres:15', ['5433:5432']],
  ['rabbitmq', 'rabbitmq:3.11-management', ['5672:5672', '15672:15672']],
  ['redis', 'redis:7', ['6379:6379']],
  ['couchdb', 'couchdb:3.3', ['5984:5984']],
  ['backend-api', 'quinta:local', ['8000:8000']],
  ['event-consumer', 'quinta:local', []],
])('%s is %s and answers at the ports that were promised, on this machine alone', (name, image, ports) => {
  expect(services[name]?.image).toBe(image);
  expect(services[name]?.ports ?? []).toEqual(ports.map((port) => `127.0.0.1:${port}`));
  expect(readCompose(composeText, { BIND_ADDRESS: '10.0.0.1' }).services[name]?.ports ?? []).toEqual(
    ports.map((port) => `10.0.0.1:${port}`),
  );
});

test('there is no other service, and every volume that is used is declared', () => {
  expect(Object.keys(services)).toHaveLength(7);
  const used = mounts.filter(({ source }) => !source.startsWith('.')).map(({ source }) => source);
  expect(new Set(used)).toEqual(new Set(Object.keys(volumes)));
});

test.each(['postgres-init/00-config-hba.sh', 'postgres-replica-config/init-db.sh', 'couchdb-init/setup-users-db.sh'])(
  '%s can be run, and is mounted read-only',
  (path) => {
    const file = new URL(path, folder);
    expect(statSync(file).mode & 0o111).toBe(0o111);
    expect(readFileSync(file, 'utf8')).toMatch(/^#!\/usr\/bin\/env bash\n/);
    const mounted = mounts.filter(({ source }) => `./${path}`.startsWith(source));
    expect(mounted.map(({ mode }) => mode)).toEqual(['ro']);
  },
);

test('all that is mounted or built from this folder is there', () => {
  const sources = mounts.flatMap(({ source }) => (source.startsWith('.') ? [source] : []));
  const builds = ours.flatMap((name) => services[name]?.build ?? []);
  expect(builds).toHaveLength(2);
  const needed = [...sources, ...builds.map(({ context, dockerfile }) => `${context}/${dockerfile}`)];
  expect(needed.filter((path) => !existsSync(new URL(path, folder)))).toEqual([]);
});

test('primary and replica run with the settings of replication that were promised', () => {
  const settings = services['postgres-primary']?.command ?? [];
  expect(settings).toEqual(expect.arrayContaining(['-cwal_level=replica', '-chot_standby=on']));
  expect(settings).toEqual(expect.arrayContaining(['-cmax_wal_senders=10', '-cmax_replication_slots=10']));
  expect(settings).toContain('-chot_standby_feedback=on');
  expect(services['postgres-replica']?.command).toEqual(settings);
});

test('databases are looked at as often as was promised, and the API waits for them', () => {
  const { 'postgres-primary': primary, 'postgres-replica': replica, couchdb } = services;
  expect([primary?.healthcheck?.interval, replica?.healthcheck?.interval]).toEqual(['5s', '5s']);
  expect(couchdb?.healthcheck).toMatchObject({ interval: '10s', retries: 10, start_period: '30s' });
  const healthy = { condition: 'service_healthy' };
  const waited = { 'postgres-primary': healthy, 'postgres-replica': healthy, couchdb: healthy };
  expect(services['backend-api']?.depends_on).toMatchObject(waited);
  expect(services['event-consumer']?.depends_on).toMatchObject({ ...waited, 'backend-api': healthy });
});

test('.env.example has every promised variable and every one that is used, and none besides', () => {
  const used = new Set([...variablesIn(composeText), ...variablesIn(productionText)]);
  expect(promisedVariables.filter((name) => !used.has(name))).toEqual([]);
  expect(Object.keys(exampleVariables).toSorted()).toEqual([...used].toSorted());
});

test('.env.example holds no secret, and changes nothing that the compose file says by itself', () => {
  const secret = /PASS|KEY|TOKEN$/;
  const secrets = Object.entries(exampleVariables).filter(([name]) => secret.test(name));
  expect(secrets.length).toBeGreaterThan(7);
  expect(secrets.filter(([, value]) => value !== '')).toEqual([]);
  expect(readCompose(composeText, exampleVariables)).toEqual(readCompose(composeText));
});

test.each(ours)('%s is told nothing but settings of the service, all of which it can read', (name) => {
  const environment = environmentOf(name);
  const known = { ...hostSettings, ...sofipo.settings };
  expect(Object.keys(environment).length).toBeGreaterThan(20);
  expect(Object.keys(environment).filter((variable) => !Object.hasOwn(known, variable))).toEqual([]);
  const config = readConfig('sofipo', sofipo.settings, environment);
  expect(sofipo.databaseUrlOf(config, false)).toContain('@postgres-primary:5432/sofipo_db');
  expect(() => sofipo.checkConfig?.(config, { isProduction: false, dataDirectory: '/data' })).not.toThrow();
  expect(environment).toEqual(environmentOf('backend-api'));
});

const strong: Readonly<Record<string, string>> = {
  POSTGRES_PASSWORD: 'Vq3-of-the-test',
  POSTGRES_REPLICA_PASSWORD: 'Rp8-of-the-test',
  RABBITMQ_DEFAULT_USER: 'sofipo',
  RABBITMQ_DEFAULT_PASS: 'Mq5-of-the-test',
  COUCHDB_PASSWORD: 'Cd1-of-the-test',
  API_SECRET_KEY: 'a tall tree stands alone by the river',
  AUDIT_SIGNING_KEY: 'a grey heron walks along its shallow water',
};

test.each(Object.keys(strong))('in production nothing starts without %s', (name) => {
  expect(() => readCompose(productionText, { ...strong, [name]: '' })).toThrow(`${name}: `);
});

test('in production every part has the secrets of .env, and none of development', () => {
  const inProduction = { isProduction: true, variables: strong };
  const environments = Object.keys(services).map((name) => environmentOf(name, inProduction));
  const development = new Set(['only-for-development', 'password', 'guest']);
  expect(environments.flatMap((given) => Object.values(given)).filter((value) => development.has(value))).toEqual([]);
  expect(environmentOf('event-consumer', inProduction)).toMatchObject({
    APP_ENV: 'production',
    POSTGRES_HOST: 'postgres-primary',
  });
});

test('in production the service refuses a key that can be guessed', () => {
  const check = (API_SECRET_KEY: string): void => {
    const environment = environmentOf('backend-api', { isProduction: true, variables: { ...strong, API_SECRET_KEY } });
    const config = readConfig('sofipo', sofipo.settings, environment);
    sofipo.checkConfig?.(config, { isProduction: true, dataDirectory: '/data' });
  };
  expect(() => check('change-me-change-me-change-me-change-me')).toThrow(ConfigError);
  expect(() => check('too short')).toThrow(ConfigError);
  expect(() => check('a tall tree stands alone by the river')).not.toThrow();
});

test('api and consumer are one image that may write to its volume and /tmp alone', () => {
  for (const name of ours)
    expect(services[name]).toMatchObject({ read_only: true, tmpfs: ['/tmp'], cap_drop: ['ALL'] });
  expect(services['backend-api']?.command).toEqual(['start', 'sofipo']);
  expect(services['event-consumer']?.command).toEqual(['worker', 'sofipo']);
});
