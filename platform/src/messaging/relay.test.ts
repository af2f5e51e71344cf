import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../kernel/index.ts';
import { realDatabases } from '../testing/index.ts';
import type { Broker, OutgoingMessage } from './contract.ts';
import { readLag } from './outbox-statements.ts';
import { createRelay, type Relay, type RelayOptions } from './relay.ts';
import { type MessagingWorld, openMessagingWorld, payment, record } from './test/messaging-world.ts';
import { ScriptedBroker } from './test/scripted-broker.ts';

const eventually = { timeout: 30_000, interval: 10 };

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`the relay on ${real.name}`, () => {
    let world: MessagingWorld;
    let broker: ScriptedBroker;
    const relays: Relay[] = [];
    const relayOn = (own: Broker, more: Partial<RelayOptions> = {}): Relay => {
      const relay = createRelay({ database: world.database, broker: own, log: silentLog, pollMs: 60_000, ...more });
      relays.push(relay);
      return relay;
    };

    beforeEach(async () => {
      world = await openMessagingWorld(real);
      broker = new ScriptedBroker();
    });
    afterEach(async () => {
      await Promise.all(relays.splice(0).map((relay) => relay.stop()));
      await world.close();
    });

    test('publishes what was committed, with the body that listeners know', async () => {
      await world.emit([payment('loan', 1)]);
      expect(await relayOn(broker).relayNow()).toBe(1);
      const [message] = broker.published;
      const [row] = await world.run('select id, request_id from outbox');
      expect(message).toMatchObject({
        id: row?.['id'],
        eventType: 'payment_registered',
        routingKey: 'test.payment.registered',
        orderKey: 'loan',
      });
      expect(JSON.parse(message?.body ?? '')).toEqual({
        event_type: 'payment_registered',
        entity_id: 'loan-1',
        payload: { loan: 'loan', place: 1, note: 'ñ "x" \\ 👍\n' },
        timestamp: message?.occurredAt.toISOString(),
        event_id: row?.['id'],
        version: 1,
        request_id: row?.['request_id'],
      });
      expect(await world.pending()).toBe(0);
    });

    test('what is rolled back is never published', async () => {
      await world.database
        .transact(async (tx) => {
          await record(tx, payment('loan', 1));
          throw new Error('no');
        })
        .catch(() => undefined);
      expect(await relayOn(broker).relayNow()).toBe(0);
      expect(broker.published).toEqual([]);
    });

    test('an event of a transaction that lasted long is not passed by', async () => {
      const written = Promise.withResolvers<void>();
      const mayCommit = Promise.withResolvers<void>();
      const long = world.database.transact(async (tx) => {
        await record(tx, payment('slow', 1));
        written.resolve();
        await mayCommit.promise;
      });
      await written.promise;
      await world.emit([payment('quick', 1), payment('quick', 2)]);
      const relay = relayOn(broker);
      expect(await relay.relayNow()).toBe(2);
      mayCommit.resolve();
      await long;
      expect(await relay.relayNow()).toBe(1);
      expect(broker.keys()).toEqual(['quick', 'quick', 'slow']);
    });

    test('a commit in this process wakes the relay at once', async () => {
      relayOn(broker).start();
      await world.emit([payment('loan', 1)]);
      // The poll of this relay would come after a minute.
      await vi.waitFor(() => expect(broker.published).toHaveLength(1), { timeout: 10_000, interval: 5 });
    });

    test('commits that come all the time share rounds, and none waits for the poll', async () => {
      let turns = 0;
      relayOn(broker, { paceMs: 300, observe: () => (turns += 1) }).start();
      for (let place = 0; place < 60; place += 1) await world.emit([payment(`loan-${place % 7}`, place)]);
      await vi.waitFor(() => expect(broker.published).toHaveLength(60), { timeout: 10_000, interval: 5 });
      expect(turns).toBeLessThan(30);
      for (const key of new Set(broker.keys())) {
        const places = broker.published.filter(({ orderKey }) => orderKey === key).map(({ body }) => placeIn(body));
        expect(places).toEqual(places.toSorted((a, b) => a - b));
      }
    });

    test('a key with more events than a turn takes waits for no pace beside others', async () => {
      await world.emit([
        ...Array.from({ length: 300 }, (_, place) => payment('hot', place)),
        ...Array.from({ length: 20 }, (_, place) => payment(`loan-${place}`, 0)),
      ]);
      relayOn(broker, { paceMs: 600_000 }).start();
      await vi.waitFor(() => expect(broker.published).toHaveLength(320), { timeout: 10_000, interval: 5 });
      expectOrderOfKeys(broker.published);
    });

    test('events that lie far apart are marked, and nothing in between', async () => {
      await world.emit([payment('bad', 1)]);
      broker.refuses = ({ orderKey }) => orderKey === 'bad';
      const relay = relayOn(broker);
      await relay.relayNow();
      await world.emit(Array.from({ length: 90 }, (_, place) => payment(`bad-${place}`, place)));
      broker.refuses = ({ orderKey }) => orderKey.startsWith('bad-');
      await relay.relayNow();
      await world.run("update outbox_holds set retry_at = '2020-01-01' where order_key = 'bad'");
      await world.emit([payment('good', 1)]);
      expect(await relay.relayNow()).toBe(2);
      expect(broker.keys()).toEqual(['bad', 'good']);
      expect(await world.pending()).toBe(90);
    });

    test('what other processes commit is found by the next poll', async () => {
      relayOn(broker, { pollMs: 20 }).start();
      await world.run(
        `insert into outbox (id, event_type, routing_key, entity_id, order_key, payload)
         values ('0190f3a2-5c1e-7a43-9a51-000000000001', 'x', 'test.x', '1', '1', '{}')`,
      );
      await vi.waitFor(() => expect(broker.published).toHaveLength(1), eventually);
    });

    test('a refused event holds back its key and nobody else', async () => {
      await world.emit([payment('bad', 1), payment('good', 1), payment('bad', 2), payment('good', 2)]);
      broker.refuses = ({ orderKey }) => orderKey === 'bad';
      const relay = relayOn(broker);
      expect(await relay.relayNow()).toBe(2);
      expect(broker.keys()).toEqual(['good', 'good']);
      const [hold] = await world.run('select order_key, attempts, last_error from outbox_holds');
      expect(hold).toEqual({ order_key: 'bad', attempts: 1, last_error: 'refused by the test' });
      broker.refuses = () => false;
      expect(await relay.relayNow()).toBe(0);
      await world.run("update outbox_holds set retry_at = '2020-01-01'");
      expect(await relay.relayNow()).toBe(2);
      expect(broker.keys()).toEqual(['good', 'good', 'bad', 'bad']);
      expect(await world.run('select * from outbox_holds')).toEqual([]);
    });

    test('refusals of a key are counted', async () => {
      await world.emit([payment('bad', 1)]);
      broker.refuses = () => true;
      for (const attempts of [1, 2, 3]) {
        await relayOn(broker).relayNow();
        const [hold] = await world.run('select attempts from outbox_holds');
        expect(hold?.['attempts']).toBe(attempts);
        await world.run("update outbox_holds set retry_at = '2020-01-01'");
      }
    });

    test('what was published and not marked is published again, as the same message', async () => {
      await world.emit([payment('loan', 1), payment('loan', 2)]);
      broker.afterPublish = () => Promise.reject(new Error('the process died here'));
      await expect(relayOn(broker).relayNow()).rejects.toThrow('died');
      broker.afterPublish = () => Promise.resolve();
      expect(await relayOn(broker).relayNow()).toBe(2);
      const ids = broker.published.map(({ id }) => id);
      expect(ids.slice(2)).toEqual(ids.slice(0, 2));
    });

    test('three relays at once publish each event once, in order for each key', async () => {
      const loans = Array.from({ length: 40 }, (_, loan) => `loan-${loan}`);
      for (let place = 0; place < 10; place += 1) {
        await world.database.transact((tx) => record(tx, ...loans.map((loan) => payment(loan, place))));
      }
      const own = [1, 2, 3].map(() => relayOn(broker, { database: world.open() }));
      await vi.waitFor(async () => {
        await Promise.all(own.map((relay) => relay.relayNow()));
        expect(await world.pending()).toBe(0);
      }, eventually);
      expect(broker.published).toHaveLength(400);
      expectOrderOfKeys(broker.published);
    });

    test('a broker that is away is left alone, and so is the database', async () => {
      broker.report({ isUp: false, reason: 'gone' });
      relayOn(broker, { pollMs: 10 }).start();
      await world.emit([payment('loan', 1)]);
      expect(broker.published).toEqual([]);
      expect(await world.pending()).toBe(1);
      broker.report({ isUp: true });
      await vi.waitFor(() => expect(broker.published).toHaveLength(1), eventually);
    });

    test('a connection that is cut leaves the rest for the next turn', async () => {
      await world.emit(Array.from({ length: 6 }, (_, place) => payment('loan', place)));
      broker.cutAfter = 4;
      const relay = relayOn(broker);
      expect(await relay.relayNow()).toBe(4);
      expect(await world.pending()).toBe(2);
      broker.cutAfter = Number.POSITIVE_INFINITY;
      expect(await relay.relayNow()).toBe(2);
      expectOrderOfKeys(broker.published);
    });

    test('says how much waits, and for how long', async () => {
      await world.emit([payment('loan', 1), payment('loan', 2)]);
      await world.run("update outbox set occurred_at = '2026-01-01'");
      const [lag] = await readLag(world.database, {});
      expect(Number(lag?.pending)).toBe(2);
      expect(Number(lag?.age_ms)).toBeGreaterThan(60_000);
      await relayOn(broker).relayNow();
      const [after] = await readLag(world.database, {});
      expect(after).toMatchObject({ age_ms: null });
      expect(Number(after?.pending)).toBe(0);
    });

    test('a payload that is no JSON, or larger than a mebibyte, is not taken', async () => {
      const insert = (payload: string): Promise<unknown> =>
        world.run(
          `insert into outbox (id, event_type, routing_key, entity_id, order_key, payload)
           values ('0190f3a2-5c1e-7a43-9a51-000000000001', 'x', 'test.x', '1', '1', '${payload}')`,
        );
      await expect(insert('{"a":')).rejects.toThrow(/json|ck_outbox_payload/i);
      await expect(insert(`{"a":"${'x'.repeat(1_048_576)}"}`)).rejects.toThrow('ck_outbox_size');
    });
  });
}

function expectOrderOfKeys(messages: readonly OutgoingMessage[]): void {
  for (const own of Map.groupBy(messages, ({ orderKey }) => orderKey).values()) {
    const places = own.map(({ body }) => (JSON.parse(body) as { payload: { place: number } }).payload.place);
    expect(places).toEqual(places.map((_, place) => place));
  }
}

const placeIn = (body: string): number => (JSON.parse(body) as { payload: { place: number } }).payload.place;
