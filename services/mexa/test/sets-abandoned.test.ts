import { randomUUID } from 'node:crypto';
import { Agent, type ClientRequest, request } from 'node:http';
import { writeStatement } from '@quinta/platform/database';
import { call } from '@quinta/platform/testing';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { countOf, sql } from './sql.ts';

const patience = { timeout: 30_000, interval: 10 };
const lockVales = writeStatement<[], never>('test.lock_vales', 'lock table vales in share row exclusive mode');

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

/** A client that can hang up. */
interface Client {
  readonly key: string;
  /** The status that it heard, or 0 where it hung up. */
  readonly heard: Promise<number>;
  hangUp(): void;
}

const agent = new Agent();

function draw(): Client {
  const key = randomUUID();
  const body = JSON.stringify({ amount: '3.00', request_id: key });
  const headers = { authorization: `Bearer ${world.tokens.cajero}`, 'content-type': 'application/json' };
  let sent: ClientRequest | undefined;
  const heard = new Promise<number>((resolve) => {
    sent = request(`${world.baseUrl}/api/v1/vales`, { method: 'POST', agent, headers }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.once('error', () => resolve(0));
    sent.end(body);
  });
  return { key, heard, hangUp: () => sent?.destroy() };
}

/** How many rows and audit rows a key has. */
async function drawn(key: string): Promise<readonly [number, number]> {
  return [
    await countOf(world.owner, 'vales where request_id = $1', [key]),
    await countOf(world.owner, "audit_logs where action = 'create' and new_values ->> 'request_id' = $1", [key]),
  ];
}

/** Nobody can draw until the test is over or says so. */
async function lockTable(): Promise<() => Promise<void>> {
  const [locked, released] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const holding = world.owner.transact(async (tx) => {
    await tx.run(lockVales, []);
    locked.resolve(undefined);
    await released.promise;
  });
  await Promise.race([locked.promise, holding]);
  const release = (): Promise<void> => {
    released.resolve(undefined);
    return holding;
  };
  onTestFinished(release);
  return release;
}

test('a client that hangs up before its voucher was sent has none drawn; one whose voucher was sent has it', async () => {
  const { sets } = world.mexa;
  const release = await lockTable();
  const sent = draw();
  await vi.waitFor(async () => {
    const waiting = await sql(
      world.application, // a role sees what its own sessions wait for
      "select pid from pg_stat_activity where application_name = 'quinta mexa' and wait_event_type = 'Lock'",
    );
    expect(waiting).toHaveLength(1);
  }, patience);
  const [goes, stays, goesToo] = [draw(), draw(), draw()];
  await vi.waitFor(() => expect(sets.issue.waiting).toBe(3), patience);
  for (const client of [sent, goes, goesToo]) client.hangUp();
  expect(await Promise.all([sent, goes, goesToo].map(({ heard }) => heard))).toEqual([0, 0, 0]);
  // The server has heard of those who hung up by the time it answers whoever came after them, twice.
  for (const _ of [1, 2]) expect((await call(`${world.baseUrl}/health`)).status).toBe(200);

  await release();
  expect(await stays.heard).toBe(201);
  await sets.issue.idle();
  expect(await drawn(sent.key)).toEqual([1, 1]);
  expect(await drawn(stays.key)).toEqual([1, 1]);
  expect(await drawn(goes.key)).toEqual([0, 0]);
  expect(await drawn(goesToo.key)).toEqual([0, 0]);
  agent.destroy();

  // Whoever comes back with the key hears of the voucher that was drawn, or has it drawn now.
  const again = async (key: string): Promise<number> => {
    const body = { amount: '3.00', request_id: key };
    return (await world.api('/vales', { token: world.tokens.cajero, body })).status;
  };
  expect([await again(sent.key), await again(goes.key)]).toEqual([200, 201]);
});
