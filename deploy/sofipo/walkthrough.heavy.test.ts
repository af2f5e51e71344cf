import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openPlace, type Place, type Running, type Server } from '../../apps/cli/test/place.ts';
import { CouchServer } from '../../platform/src/documents/test/couch-server.ts';
import { PrivateRedis, redisProgram } from '../../platform/src/keyvalue/test/real-redis.ts';
import { PrivateRabbitMq, rabbitMqProgram } from '../../platform/src/messaging/test/private-rabbitmq.ts';
import { withRabbit } from '../../platform/src/messaging/test/real-rabbitmq.ts';
import { composeText, environmentOf, readCompose, type Variables } from './test/compose-file.ts';
import { PostgresStack, patience, postgresPrograms } from './test/postgres-stack.ts';

const programs = postgresPrograms();
const parts = { unreachable: programs.unreachable ?? rabbitMqProgram().unreachable ?? redisProgram().unreachable };

type Body = Readonly<Record<string, unknown>>;

describe.skipIf(parts.unreachable !== undefined)('the stack as the compose file tells it', () => {
  let postgres: PostgresStack;
  let rabbit: PrivateRabbitMq;
  let redis: PrivateRedis;
  let couch: CouchServer;
  let place: Place;
  let api: Server;
  let consumer: Running;
  let walked: { readonly headers: Record<string, string>; readonly ids: readonly string[] };

  beforeAll(async () => {
    postgres = new PostgresStack(programs.folder);
    place = openPlace();
    [rabbit, redis, couch] = await Promise.all([PrivateRabbitMq.start(), PrivateRedis.start(), CouchServer.start()]);
    couch.credentials = 'admin:password';
    await postgres.makePrimary();
    await postgres.ensureReplica();
    api = await place.start(commandOf('backend-api'), told('backend-api'));
    consumer = place.launch(commandOf('event-consumer'), told('event-consumer'));
    await consumerIsUp();
    walked = await walk();
  });
  afterAll(async () => {
    await place.close();
    await postgres.close();
    await Promise.all([rabbit.remove(), redis.remove(), couch.close()]);
  });

  const consumerIsUp = (): Promise<void> =>
    vi.waitFor(() => {
      if (!consumer.stderr().includes('Working for sofipo')) throw new Error(`Not working yet: ${consumer.stderr()}`);
    }, patience);

  const commandOf = (service: string): readonly string[] => readCompose(composeText).services[service]?.command ?? [];

  /** The environment of a container, with the private addresses in place of the stack's. */
  const told = (service: string, options: { isProduction?: boolean; variables?: Variables } = {}): Variables => ({
    ...environmentOf(service, options),
    HOST: '127.0.0.1',
    PORT: '0',
    QUINTA_DATA_DIR: place.folder,
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_PORT: String(postgres.primaryPort),
    POSTGRES_REPLICA_HOST: '127.0.0.1',
    POSTGRES_REPLICA_PORT: String(postgres.replicaPort),
    REDIS_URL: `${redis.url}/0`,
    RABBITMQ_HOST: '127.0.0.1',
    RABBITMQ_PORT: String(rabbit.port),
    COUCHDB_HOST: '127.0.0.1',
    COUCHDB_PORT: new URL(couch.address.url).port,
  });

  const ask = async (path: string, init: RequestInit = {}): Promise<{ answer: Response; body: Body }> => {
    const answer = await fetch(`${api.address}${path}`, init);
    return { answer, body: (await answer.json()) as Body };
  };
  const tokenOf = async (address: string, user: string): Promise<Response> =>
    fetch(`${address}/api/v1/auth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: user,
    });

  /** The README's steps, each from what the one before it answered; returns the ids of what was made. */
  const walk = async (): Promise<typeof walked> => {
    const token = (await (await tokenOf(api.address, 'username=admin&password=string')).json()) as Body;
    expect(token).toMatchObject({ access_token: expect.stringMatching(/^ey/) as string, token_type: 'bearer' });
    const headers = { authorization: `Bearer ${String(token['access_token'])}`, 'content-type': 'application/json' };
    const post = async (path: string, body: string): Promise<string> => {
      const made = await ask(path, { method: 'POST', headers, body });
      expect([path, made.answer.status]).toEqual([path, 201]);
      return String(made.body['id']);
    };
    const person = '"full_name": "Carlos Perez", "email": "carlos.perez@example.com", "rfc": "PEPJ800101HNE"';
    const client = await post('/api/v1/clients/', `{ ${person} }`);
    const terms = '"amount": 50000.00, "interest_rate": 0.15, "term_months": 24';
    const loan = await post('/api/v1/loans/', `{ "client_id": "${client}", ${terms} }`);
    const payment = await post(`/api/v1/loans/${loan}/payments`, '{ "amount": 2500.00 }');
    return { headers, ids: [client, loan, payment] };
  };

  test('the walkthrough runs, and the consumer writes down every event once', async () => {
    const { headers, ids } = walked;
    const [first, second] = [await ask('/api/v1/clients/PEPJ800101HNE'), await ask('/api/v1/clients/PEPJ800101HNE')];
    expect(first.body).toMatchObject({ id: ids[0], full_name: 'Carlos Perez' });
    expect(second.answer.headers.get('x-cache')).toBe('HIT');

    await vi.waitFor(async () => {
      const { body } = await ask('/api/v1/events', { headers });
      const events = body['events'] as Body[];
      const types = events.map((event) => String(event['event_type']));
      expect(types.toSorted()).toEqual(['client_created', 'loan_created', 'payment_registered']);
      expect(new Set(events.map((event) => event['entity_id']))).toEqual(new Set(ids));
    }, patience);
    expect(couch.databases.names).toContain('business_events');
    const kept = await fetch(`${couch.address.url}/business_events`, { headers: { authorization: basic } });
    expect(((await kept.json()) as Body)['doc_count']).toBe(3 + (await indexCount()));
  });

  const basic = `Basic ${Buffer.from('admin:password').toString('base64')}`;
  const indexCount = async (): Promise<number> => {
    const query = new URLSearchParams({ startkey: '"_design/"', endkey: '"_design0"' });
    const answer = await fetch(`${couch.address.url}/business_events/_all_docs?${query.toString()}`, {
      headers: { authorization: basic },
    });
    return ((await answer.json()) as { rows: unknown[] }).rows.length;
  };

  test('the broker has exchange and queue by the promised names, with the consumer at it', async () => {
    const exchange = { exchange: 'sofipo_events_exchange', type: 'topic', durable: true };
    await withRabbit(rabbit.url, async (connection) => {
      // First that it is there, then that it is of this kind: another kind is refused.
      await connection.exchangeDeclare({ ...exchange, passive: true });
      await connection.exchangeDeclare(exchange);
      const queue = await connection.queueDeclare({ queue: 'couchdb_event_log_queue', passive: true });
      expect(queue.consumerCount).toBeGreaterThan(0);
    });
  });

  test('/ready says that every part is there, the replica with how far it is behind', async () => {
    await vi.waitFor(async () => {
      const { body } = await ask('/ready');
      expect(body['status']).toBe('ready');
      expect(body['parts']).toMatchObject({ replica: { status: 'up' }, message_broker: { status: 'up' } });
    }, patience);
  });

  test('the health checks of api and consumer are good', async () => {
    const { status } = await fetch(`${api.address}/health`);
    expect(status).toBe(200);
    const check = readCompose(composeText).services['event-consumer']?.healthcheck?.test ?? [];
    expect(check.slice(0, 2)).toEqual(['CMD', 'quinta']);
    const outcome = await place.run(check.slice(2), { variables: told('event-consumer') });
    expect(outcome).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/couchdb_event_log_queue: 0 dead/) as string,
    });
    const away = { ...told('event-consumer'), RABBITMQ_PORT: '1' };
    expect(await place.run(check.slice(2), { variables: away })).toMatchObject({ status: 1 });
  });

  test('a backup is restored whole, as the README says', async () => {
    await postgres.restoreCopy('sofipo_restored');
    const variables = told('backend-api', { variables: { POSTGRES_DB: 'sofipo_restored' } });
    const verified = await place.run(['sofipo', 'ledger', 'verify', '--json'], { variables });
    expect(verified).toMatchObject({ status: 0, stdout: expect.stringContaining('"holds":true') as string });
    const rebuilt = await place.run(['sofipo', 'events', 'rebuild', '--json'], { variables });
    expect(rebuilt).toMatchObject({ status: 0, stdout: '{"events":3}\n' });
  });

  test('with both files it runs for production: nobody is admin with the password string', async () => {
    const password = randomBytes(12).toString('base64url');
    const variables = {
      POSTGRES_DB: 'sofipo_production',
      POSTGRES_PASSWORD: postgres.environment()['POSTGRES_PASSWORD'] ?? '',
      POSTGRES_REPLICA_PASSWORD: 'not asked for by the service',
      RABBITMQ_DEFAULT_USER: 'guest',
      RABBITMQ_DEFAULT_PASS: 'guest',
      COUCHDB_PASSWORD: 'password',
      API_SECRET_KEY: randomBytes(36).toString('base64'),
      AUDIT_SIGNING_KEY: randomBytes(36).toString('base64'),
      SOFIPO_ADMIN_USERNAME: 'comptroller',
      SOFIPO_ADMIN_PASSWORD: password,
    };
    await postgres.ask('primary', 'create database sofipo_production');
    const given = told('backend-api', { isProduction: true, variables });
    const production = await place.start(commandOf('backend-api'), given);
    expect((await tokenOf(production.address, 'username=admin&password=string')).status).toBe(401);
    expect((await tokenOf(production.address, `username=comptroller&password=${password}`)).status).toBe(200);
    expect((await fetch(`${production.address}/api/v1/clients/`)).status).toBe(401);
    await production.stop();
    const weak = await place.run(commandOf('backend-api'), { variables: { ...given, API_SECRET_KEY: 'a short one' } });
    expect(weak).toMatchObject({ status: 2, stderr: expect.stringContaining('API_SECRET_KEY') as string });
  });

  // The last, because the others need them.
  test('both end when they are told to', async () => {
    consumer.signal('SIGTERM');
    expect(await consumer.ended).toMatchObject({ status: 0 });
    expect(await api.stop()).toMatchObject({ status: 0 });
  });
});
