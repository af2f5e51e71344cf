import { request as send } from 'node:http';
import { openDatabase, readStatement, writeStatement } from '@quinta/platform/database';
import { call, type HttpAnswer, type HttpCall, PrivateRedis } from '@quinta/platform/testing';
import { openPlace, type Place, type Server, type Variables } from '../place.ts';
import { openOtherSystem, type OtherSystem } from './other-system.ts';

/** A key of the tests, with which they forge what they should not be able to. */
export const appSecret = 'a secret of the tests that is long enough';

/** Rounds of a race: `QUINTA_TEST_ROUNDS=1000` for the long run. */
export function roundsOf(usual: number): number {
  return Number(process.env['QUINTA_TEST_ROUNDS'] ?? usual);
}

export interface Asked extends HttpCall {
  /** The client's address, as the proxy writes it down; default one that nobody has used. */
  readonly from?: string;
  /** Which process; default one after the other. */
  readonly at?: 0 | 1;
}

/** Two processes of Move Acces on one database and one Redis: whatever one of them does, the other has to know. */
export interface TwoProcesses {
  readonly place: Place;
  readonly store: PrivateRedis;
  readonly servers: readonly [Server, Server];
  api(path: string, asked?: Asked): Promise<HttpAnswer>;
  /** An address that nobody has used. */
  address(): string;
  /** All that any process of the two has written, those that were replaced included. */
  written(): readonly string[];
  /** Starts another process in the stead of one that has ended. */
  restart(at: 0 | 1, variables?: Variables): Promise<void>;
  /** SQL as the role that owns the tables. */
  sql<Row = Readonly<Record<string, unknown>>>(text: string, params?: readonly unknown[]): Promise<readonly Row[]>;
  write(...statements: readonly string[]): Promise<void>;
  /** The sum over both processes of the samples whose line in `/metrics` has this form. */
  metric(form: RegExp): Promise<number>;
  close(): Promise<void>;
}

/** The promised limits, proxies on this machine, and hashes that cost as little as is allowed. */
const settings: Variables = {
  APP_SECRET: appSecret,
  TRUST_PROXY: '127.0.0.1/32',
  ARGON2_MEMORY_KIB: '7168',
  ARGON2_PASSES: '5',
  ARGON2_LANES: '1',
  LEGACY_HASHES: 'none',
  LOG_LEVEL: 'DEBUG',
};

/** On the database of `other`, which whoever opened it closes; default one of its own. */
export async function startTwo(
  variables: Variables = {},
  each: readonly [Variables, Variables] = [{}, {}],
  other?: OtherSystem,
): Promise<TwoProcesses> {
  const [store, system] = await Promise.all([PrivateRedis.start(), other ?? openOtherSystem()]);
  const place = openPlace({ ...settings, ...system.variables, REDIS_URL: store.url, ...variables });
  const start = (more: Variables): Promise<Server> => place.start(['start', 'move-acces'], more);
  const servers: [Server, Server] = await Promise.all([start(each[0]), start(each[1])]);
  const database = openDatabase({ url: system.urls.owner, connectionsMax: 4 });
  const started: Server[] = [...servers];
  let requests = 0;
  let addresses = 0;
  const address = (): string => {
    addresses += 1;
    return `10.${Math.floor(addresses / 65_536)}.${Math.floor(addresses / 256) % 256}.${addresses % 256}`;
  };
  const metricsOf = async ({ address: base }: Server): Promise<string> => (await call(`${base}/metrics`)).text;
  return {
    place,
    store,
    servers,
    address,
    api: (path, { from = address(), at, headers, ...rest } = {}) => {
      requests += 1;
      const server = servers[at ?? (requests % 2 === 0 ? 0 : 1)];
      return call(`${server.address}${path}`, { ...rest, headers: { 'x-forwarded-for': from, ...headers } });
    },
    written: () => started.flatMap((server) => [server.stdout(), server.stderr()]),
    restart: async (at, more = {}) => {
      servers[at] = await start({ ...each[at], ...more });
      started.push(servers[at]);
    },
    sql: async <Row>(text: string, params: readonly unknown[] = []) =>
      (await database.run(readStatement<unknown[], Row>('test.read', text), [...params])).rows,
    write: async (...statements) => {
      for (const text of statements) await database.runAlone(writeStatement('test.write', text), []);
    },
    metric: async (form) => {
      const texts = await Promise.all(servers.map(metricsOf));
      return sumOf(texts.join('\n'), form);
    },
    close: async () => {
      await database.close();
      await place.close();
      await store.remove();
      if (!other) await system.close();
    },
  };
}

function sumOf(text: string, form: RegExp): number {
  const lines = text.split('\n').filter((line) => form.test(line));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** How many passwords both processes have hashed or checked. */
export function hashesOf(two: TwoProcesses): Promise<number> {
  return two.metric(/^quinta_password_hashes\{.*state="finished"/);
}

/** The status of a request that comes from an address which is no proxy of ours, whatever its headers say. */
export function statusFromOutside(
  url: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: unknown },
): Promise<number> {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = send(
      url,
      {
        method: 'POST',
        localAddress: '127.0.0.2',
        headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      },
      (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    sent.once('error', reject);
    sent.end(text);
  });
}
