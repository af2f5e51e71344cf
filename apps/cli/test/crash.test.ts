import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { apiOf, demoPassword, openBurst, signIn, tally } from './clients.ts';
import { expectNothingRuns, openPlace, type Place, postmasterOf, sendTo, type Server } from './place.ts';
import { embeddedUrl, onDatabase, rowsOf } from './rows.ts';

const clients = 16;
const rounds = 3;
const demoVales = 42;

let place: Place;
beforeEach(() => {
  place = openPlace();
});
afterEach(() => place.close());

/** Where the crashes fall; QUINTA_TEST_SEED repeats a run. */
const seed = Number(process.env['QUINTA_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Mulberry32: a small generator whose numbers a seed repeats. */
function chanceOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What the clients of a stream know when it has broken off. */
interface Streamed {
  readonly acknowledged: string[];
  /** Sent, and no answer came, or one that says that nobody knows. */
  readonly open: string[];
}

/** Clients that draw vouchers until the server is gone; `crash` runs when so many were acknowledged. */
async function stream(
  server: Server,
  token: string,
  plan: { readonly afterCount: number; readonly crash: () => void; readonly nextId: () => string },
): Promise<Streamed> {
  const burst = openBurst(clients);
  const streamed: Streamed = { acknowledged: [], open: [] };
  let isOver = false;
  const client = async (): Promise<void> => {
    while (!isOver) {
      const requestId = plan.nextId();
      const { status } = await burst.post(`${apiOf(server)}/vales`, token, bodyOf(requestId));
      if (status === 201) streamed.acknowledged.push(requestId);
      else streamed.open.push(requestId);
      if (!isOver && streamed.acknowledged.length >= plan.afterCount) {
        isOver = true;
        plan.crash();
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  burst.close();
  return streamed;
}

function bodyOf(requestId: string): object {
  return { amount: '2.50', description: requestId, request_id: requestId };
}

interface Stored {
  readonly request_id: string;
  readonly audits: string;
}

async function stored(url: string): Promise<readonly Stored[]> {
  return onDatabase(url, (database) =>
    rowsOf<Stored>(
      database,
      `select v.request_id, count(a.id) as audits
         from vales v left join audit_logs a
           on a.resource_type = 'vale' and a.resource_id = v.id and a.action = 'create'
        where v.description = v.request_id::text
        group by v.id`,
    ),
  );
}

const crashes: Readonly<Record<string, (server: Server) => void>> = {
  'the server (primary and workers)': (server) => server.signalGroup('SIGKILL'),
  'the server and PostgreSQL under it': (server) => {
    sendTo(postmasterOf(place.folder)?.pid ?? 0, 'SIGKILL');
    server.signalGroup('SIGKILL');
  },
};

describe(`kill -9 in the middle of a stream of vouchers (QUINTA_TEST_SEED=${seed})`, () => {
  test.each(Object.keys(crashes))('of %s loses none that was acknowledged and doubles none', async (name) => {
    const chance = chanceOf(seed);
    let count = 0;
    const nextId = (): string => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, '0')}`;
    const all: string[] = [];
    let server = await startServer();
    const url = await embeddedUrl(place, '--admin');
    for (let round = 0; round < rounds; round += 1) {
      const token = await signIn(apiOf(server), 'cajero.demo', demoPassword(place));
      const current = server;
      const afterCount = 20 + Math.floor(chance() * 300);
      const crash = (): void => crashes[name]?.(current);
      const { acknowledged, open } = await stream(server, token, { afterCount, crash, nextId });
      expect(await server.ended).toMatchObject({ signal: 'SIGKILL' });
      expect(acknowledged.length).toBeGreaterThanOrEqual(afterCount);

      server = await startServer();
      const kept = new Map((await stored(url)).map((row) => [row.request_id, row.audits]));
      expect(acknowledged.filter((id) => kept.get(id) !== '1')).toEqual([]);

      const burst = openBurst(clients);
      const retried = await Promise.all(open.map((id) => burst.post(`${apiOf(server)}/vales`, token, bodyOf(id))));
      burst.close();
      const { 200: known = 0, 201: fresh = 0, ...others } = tally(retried);
      expect(others).toEqual({});
      expect(known + fresh).toBe(open.length);
      expect(known).toBe(open.filter((id) => kept.has(id)).length);
      all.push(...acknowledged, ...open);
      const now = await stored(url);
      expect(now.map((row) => row.request_id).toSorted()).toEqual(all.toSorted());
      expect(now.filter((row) => row.audits !== '1')).toEqual([]);
    }
    expect(await totalOfVales(url)).toBe(demoVales + all.length);
    expect(await server.stop()).toMatchObject({ status: 0 });
    await expectNothingRuns(place, server);
  });
});

function startServer(): Promise<Server> {
  return place.start(['start', 'mexa', '--workers', '2']);
}

async function totalOfVales(url: string): Promise<number> {
  const [row] = await onDatabase(url, (database) =>
    rowsOf<{ count: string }>(database, 'select count(*) as count from vales'),
  );
  return Number(row?.count);
}
