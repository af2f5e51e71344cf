import { operatorContext } from '@quinta/platform/kernel';
import { call, type HttpAnswer, PrivateRedis, redisProgram } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { clientInput } from '../src/client/client.ts';
import { registerClient } from '../src/client/keep-client.ts';
import { closeDays } from '../src/close/close-days.ts';
import { grantLoan } from '../src/loan/grant-loan.ts';
import { loanInput } from '../src/loan/terms-input.ts';
import type { NamedWrites } from '../src/read-your-writes.ts';
import type { Sofipo } from '../src/service.ts';
import { inRotation, newStory, pathsOf, reads, type Story } from './replica-stories.ts';
import { eventually, openReplicatedWorld, type ReplicatedWorld } from './replicated-world.ts';
import { newClient, newLoan, type SofipoWorld } from './sofipo-world.ts';
import { cutCommitsUntil, whileCommitsWait } from './waiting-commits.ts';

let world: ReplicatedWorld;
beforeAll(async () => {
  world = await openReplicatedWorld();
});
afterAll(() => world.close());

test('payments of many callers in one set are shown to each of them, and to strangers', async () => {
  const stories = await Promise.all(Array.from({ length: 4 }, () => newStory(world)));
  for (const story of stories) await inRotation(story);
  const { admin, officer, cashier } = world.tokens;
  const callers = [admin, officer, cashier];
  await world.whilePaused(async () => {
    const paying = stories.flatMap(({ loan }) =>
      callers.map(async (token) => {
        const paid = await world.api(`/loans/${loan.id}/payments`, { token, body: { amount: 100 } });
        expect(paid.status).toBe(201);
      }),
    );
    await Promise.all(paying);
    for (const story of stories) {
      const { loan, statement, loans } = pathsOf(story);
      for (const path of [loan, statement, loans]) expect((await world.api(path)).text).toContain('"47200.00"');
    }
    for (const token of callers) {
      const { text } = await world.api('/loans?limit=1000', { token });
      expect(text.match(/"47200\.00"/g)).toHaveLength(stories.length);
    }
  });
});

describe('a retry that finds its write done tells of it, since who did it may have died before:', () => {
  /** SOFIPO as in a process that dies between its commit and everything after. */
  const dying = (app: Sofipo): Sofipo => ({
    ...app,
    writes: (): NamedWrites => ({
      transact: (work, options) => app.database.transact(work, options),
      touch: () => undefined,
      tell: () => Promise.resolve(),
    }),
  });
  const contextOf = (operation: string, story: Story) => {
    const claims = story.world.tokens.admin.split('.')[1] ?? '';
    const { sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: string };
    const actor = { id: sub, name: 'admin', role: 'admin', sessionId: '' };
    return { ...operatorContext(world.sofipo, operation), actor };
  };
  const retry = (path: string, key: string, body: unknown): Promise<HttpAnswer> =>
    world.api(path, { token: world.tokens.admin, body, headers: { 'idempotency-key': key } });

  test('client.create', async () => {
    const story = await newStory(world);
    const input = clientInput.parse(newClient());
    await world.inRotation(`rfc:${input.rfc}`);
    await world.whilePaused(async () => {
      await registerClient(dying(world.sofipo), contextOf('client.create', story), input, 'first-client');
      const answer = await retry('/clients', 'first-client', input);
      expect(answer.headers.get('idempotency-replayed')).toBe('true');
      const { id } = answer.json<{ id: string }>();
      for (const path of [`/clients/${input.rfc}`, `/clients/id/${id}`])
        expect((await world.api(path)).status).toBe(200);
    });
  });

  test('loan.grant', async () => {
    const story = await newStory(world);
    const { loans, statement } = pathsOf(story);
    await world.api(statement);
    await inRotation(story);
    await world.whilePaused(async () => {
      const body = { client_id: story.client.id, amount: '88.00', interest_rate: '0.1', term_months: 2 };
      const context = contextOf('loan.grant', story);
      await grantLoan(dying(world.sofipo), context, loanInput.parse(body), 'first-loan');
      const answer = await retry('/loans', 'first-loan', body);
      expect(answer.headers.get('idempotency-replayed')).toBe('true');
      for (const path of [`/loans/${answer.json<{ id: string }>().id}`, loans, statement]) {
        expect((await world.api(path)).text).toContain('"88.00"');
      }
    });
  });
});

/** Pauses and resumes the replay until told to stop; resolves to how often. */
function disturbReplay(): () => Promise<number> {
  const { replica } = world.pair;
  const over = new AbortController();
  const disturbing = (async () => {
    let count = 0;
    for (; !over.signal.aborted; count++) {
      await replica.run(`select pg_wal_replay_${count % 2 === 0 ? 'pause' : 'resume'}()`);
      for (let left = Math.random() * 60; left > 0; left--) await world.application.ping();
    }
    await replica.run('select pg_wal_replay_resume()');
    return count;
  })();
  return () => {
    over.abort();
    return disturbing;
  };
}

/** The write of the round before is no longer young: strangers are sent to the replica again. */
async function untilReplicaIsRead(reader: SofipoWorld, ask: () => Promise<void>): Promise<void> {
  const { replica: before } = await readsOf(reader);
  await vi.waitFor(
    async () => {
      await ask();
      if ((await readsOf(reader)).replica <= before) throw new Error('The primary still answers');
    },
    { timeout: 60_000, interval: 10 },
  );
}

const roundOf = ({ text }: HttpAnswer): number => Number(/Ronda (\d+)/.exec(text)?.[1] ?? 0);

/**
 * Names a client anew, round after round, through one process, while strangers read it through the other without a
 * pause: nobody may be shown a name that is older than the last one whose change was answered before they asked.
 */
async function renameAndRead(writer: SofipoWorld, reader: SofipoWorld, rounds: number): Promise<readonly string[]> {
  const { client, loan } = await newStory(world);
  const { byRfc, byId, statement } = pathsOf({ client, loan });
  const stale: string[] = [];
  let answered = 0;
  const look = async (path: string): Promise<void> => {
    const least = answered;
    const shown = roundOf(await reader.api(path));
    if (shown < least) stale.push(`${path}: ${shown} after ${least}`);
  };
  const over = new AbortController();
  const strangers = [byRfc, byRfc, byId, statement, statement].map(async (path) => {
    while (!over.signal.aborted) await look(path);
  });
  for (let round = 1; round <= rounds; round++) {
    if (round % 5 === 0) await untilReplicaIsRead(reader, () => look(byId));
    const body = { full_name: `Ronda ${round}` };
    const { status } = await writer.api(`/clients/${client.id}`, { method: 'PUT', token: writer.tokens.officer, body });
    expect(status).toBe(200);
    answered = round;
    await Promise.all([byRfc, byId, statement].map(look));
  }
  over.abort();
  await Promise.all(strangers);
  return stale;
}

/** How many reads each server has answered for a process, by why. */
async function readsOf({ baseUrl }: SofipoWorld): Promise<{ readonly replica: number; readonly ownWrite: number }> {
  const { text } = await call(`${baseUrl}/metrics`);
  const count = (label: string): number =>
    Number(new RegExp(`quinta_database_reads_total\\{[^}]*${label}[^}]*\\} (\\d+)`).exec(text)?.[1] ?? 0);
  return { replica: count('reason="current"'), ownWrite: count('reason="own_write"') };
}

describe('what is kept', () => {
  test('is never older than what was written, while the replay stops and goes on', async () => {
    const before = await readsOf(world);
    const stopDisturbing = disturbReplay();
    expect(await renameAndRead(world, world, 20)).toEqual([]);
    expect(await stopDisturbing()).toBeGreaterThan(1);
    const after = await readsOf(world);
    expect(after.replica - before.replica).toBeGreaterThan(0);
    expect(after.ownWrite - before.ownWrite).toBeGreaterThan(0);
  });

  const redis = redisProgram();
  test.skipIf(redis.unreachable !== undefined)('nor is it through another process', async () => {
    const store = await PrivateRedis.start();
    // The world's own process has no store to share, and writes nothing here once it runs.
    const environment = { REDIS_URL: store.url, DATABASE_REPLICA_LAG_MAX_MS: '200' };
    const [first, second] = [await world.another(environment), await world.another(environment)];
    try {
      const stopDisturbing = disturbReplay();
      const stale = await Promise.all([renameAndRead(first, second, 20), renameAndRead(second, first, 20)]);
      expect(await stopDisturbing()).toBeGreaterThan(1);
      expect(stale).toEqual([[], []]);
      const { replica, ownWrite } = await readsOf(second);
      expect(replica).toBeGreaterThan(0);
      expect(ownWrite).toBeGreaterThan(0);
    } finally {
      await Promise.all([first.close(), second.close()]);
      await store.remove();
    }
  });
});

test('a write whose outcome its caller never heard shows once it was committed, and nothing older is kept', async () => {
  const story = await newStory(world);
  const { byRfc, byId, statement } = pathsOf(story);
  for (const path of [byRfc, byId, statement]) await world.api(path);
  await inRotation(story);
  await world.whilePaused(async () => {
    await whileCommitsWait(world.pair, async () => {
      const body = { full_name: 'Nombre Callado' };
      const putting = world.api(`/clients/${story.client.id}`, { method: 'PUT', token: world.tokens.officer, body });
      expect(await cutCommitsUntil(world.pair, putting)).toBeGreaterThan(0);
      expect((await putting).status).toBe(503);
    });
    for (const path of [byRfc, byId, statement]) expect((await world.api(path)).text).toContain('Nombre Callado');
  });
});

const part = async () =>
  (await call(`${world.baseUrl}/ready`)).json<{ parts: { replica: Record<string, unknown> } }>().parts.replica;

test('/ready shows how far the replica is behind', async () => {
  await vi.waitFor(
    async () => expect(await part()).toMatchObject({ status: 'up', lag_ms: 0, lag_bytes: 0 }),
    eventually,
  );
  await world.whilePaused(async () => {
    await newLoan(world);
    const behind = async (): Promise<void> => {
      const { lag_ms: lagMs, lag_bytes: lagBytes } = await part();
      expect(lagBytes).toBeGreaterThan(1_000);
      expect(lagMs).toBeGreaterThan(200);
    };
    await vi.waitFor(behind, eventually);
  });
  await vi.waitFor(async () => expect(await part()).toMatchObject({ status: 'up', lag_ms: 0 }), eventually);
});

test('a replica that is killed under load fails no request: the primary answers', async () => {
  const story = await newStory(world);
  await closeDays(world.sofipo, operatorContext(world.sofipo, 'close_day')); // what reports tell of
  await inRotation(story);
  const { admin } = world.tokens;
  const failed: string[] = [];
  const over = new AbortController();
  let rounds = 0;
  const expecting = async (status: number, path: string, body?: unknown): Promise<void> => {
    const answer = await world.api(path, { token: admin, ...(body === undefined ? {} : { body }) });
    if (answer.status !== status) failed.push(`${path}: ${answer.status} ${answer.text}`);
  };
  const load = Array.from({ length: 4 }, async () => {
    for (; !over.signal.aborted; rounds++) {
      for (const [, path] of reads) await expecting(200, path(story));
      await expecting(201, pathsOf(story).payments, { amount: 0.01 });
    }
  });
  const goesOn = async (): Promise<void> => {
    const before = rounds;
    await vi.waitFor(() => expect(rounds).toBeGreaterThan(before + 8), eventually);
  };
  try {
    await goesOn();
    await world.pair.replica.kill();
    await goesOn();
    expect(await part()).toMatchObject({ status: 'down', essential: false, state: 'down', lag_ms: null });
    await world.pair.replica.start();
    await inRotation(story);
    await goesOn();
  } finally {
    over.abort();
    await Promise.all(load);
  }
  expect(failed).toEqual([]);
});
