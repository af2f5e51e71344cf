import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rebuildEvents } from '../src/service.ts';
import { documentOf, keepEvents } from '../src/events/keep-events.ts';
import { newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

let world: SofipoWorld;
beforeAll(async () => {
  world = await openSofipoWorld();
  // Whoever serves with queues in the database also consumes them.
});
afterAll(() => world.close());

interface Listed {
  readonly events: readonly {
    readonly event_id: string;
    readonly event_type: string;
    readonly entity_id: string;
    readonly payload: Readonly<Record<string, unknown>>;
    readonly timestamp: string;
  }[];
  readonly next: string | null;
}

const patience = { timeout: 30_000, interval: 20 };
const listed = async (query: string): Promise<Listed> =>
  (await world.api(`/events?${query}`, { token: world.tokens.auditor })).json<Listed>();
const count = async (table: string): Promise<number> =>
  Number((await world.sql<{ count: string }>(`select count(*) as count from ${table}`))[0]?.count);

test('every change is written down once, in the promised form, and can be read back', async () => {
  const loan = await newLoan(world);
  const token = world.tokens.cashier;
  const paid = await world.api(`/loans/${loan.id}/payments`, { token, body: { amount: 2500 } });
  const payment = paid.json();
  await expect.poll(async () => (await listed(`entity_id=${String(payment['id'])}`)).events.length, patience).toBe(1);
  const [event] = (await listed(`entity_id=${String(payment['id'])}`)).events;
  expect(event).toMatchObject({
    event_type: 'payment_registered',
    entity_id: payment['id'],
    payload: { id: payment['id'], amount: '2500.00', loan_id: loan.id },
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
  });
  const [sent] = await world.sql(
    `select routing_key, payload::json as payload from outbox where id = '${event?.event_id}'`,
  );
  expect(sent).toMatchObject({ routing_key: 'sofipo.payment.registered', payload: event?.payload });
});

test('documents are events, each once, whatever is sent at once', async () => {
  const loans = await Promise.all(Array.from({ length: 8 }, () => newLoan(world)));
  const token = world.tokens.cashier;
  await Promise.all(
    loans.flatMap(({ id }) =>
      Array.from({ length: 10 }, (_, turn) =>
        world.api(`/loans/${id}/payments`, { token, body: { amount: turn + 1 } }),
      ),
    ),
  );
  await expect
    .poll(async () => [await count('outbox'), await count('documents')], patience)
    .toSatisfy(([events, documents]: [number, number]) => events === documents && events > 90);
});

test('come in pages, newest first, by type and time', async () => {
  const seen: string[] = [];
  let cursor = '';
  for (;;) {
    const page = await listed(`event_type=client_created&limit=3${cursor}`);
    seen.push(...page.events.map(({ event_id: id }) => id));
    if (page.next === null) break;
    cursor = `&cursor=${page.next}`;
  }
  const rows = await world.sql<{ id: string }>(
    "select id from outbox where event_type = 'client_created' order by position desc",
  );
  expect(new Set(seen)).toEqual(new Set(rows.map(({ id }) => id)));
  expect(seen).toHaveLength(rows.length);
  expect((await listed('from=2999-01-01')).events).toEqual([]);
  expect((await world.api('/events?limit=0', { token: world.tokens.auditor })).status).toBe(422);
  expect((await world.api('/events', { token: world.tokens.cashier })).status).toBe(403);
});

test('a message that comes twice is one document, and one that is none of ours is refused for good', async () => {
  const id = randomUUID();
  const event = { event_id: id, event_type: 'x', entity_id: '1', payload: {}, timestamp: '2026-01-01T00:00:00.000Z' };
  const message = (body: unknown) => ({
    id,
    eventType: 'x',
    routingKey: 'sofipo.x',
    occurredAt: undefined,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    isRedelivered: false,
  });
  const before = await count('documents');
  await keepEvents(world.sofipo.documents, [message(event), message(event)]);
  await keepEvents(world.sofipo.documents, [message(event)]);
  expect(await count('documents')).toBe(before + 1);
  await expect(keepEvents(world.sofipo.documents, [message({ ...event, payload: { n: 1 } })])).rejects.toThrow(
    'says something else',
  );
  expect(() => documentOf(message('not json'))).toThrow('JSON');
  expect(() => documentOf(message({ ...event, event_id: randomUUID() }))).toThrow('carries event');
  await world.sql(`delete from documents where id = '${id}'`);
});

test('a store that has lost them is filled again from the outbox, and twice changes nothing', async () => {
  await expect.poll(() => count('documents'), patience).toBe(await count('outbox'));
  await world.sql('delete from documents');
  const progress: number[] = [];
  const events = await rebuildEvents(world.sofipo, (done) => progress.push(done));
  expect(events).toBe(await count('outbox'));
  expect(progress.at(-1)).toBe(events);
  expect(await count('documents')).toBe(events);
  expect(await rebuildEvents(world.sofipo, () => undefined)).toBe(events);
  expect(await count('documents')).toBe(events);
});
