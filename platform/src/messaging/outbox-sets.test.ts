import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { writeStatement } from '../database/index.ts';
import { silentLog, systemClock } from '../kernel/index.ts';
import { realDatabases } from '../testing/index.ts';
import { eventIds, hintOutbox, outboxColumns } from './index.ts';
import { createRelay } from './relay.ts';
import { type MessagingWorld, openMessagingWorld } from './test/messaging-world.ts';
import { ScriptedBroker } from './test/scripted-broker.ts';

/** Pays a set of loans: the balances and the events of those that were paid, in one statement. */
const pay = writeStatement<[loans: string[], amounts: number[], ids: string[], requestId: string], { id: string }>(
  'loan.pay',
  `with command as (
    select * from unnest($1::text[], $2::int[], $3::uuid[]) as c (loan_id, amount, event_id)
  ), paid as (
    update loans l set balance = l.balance - c.amount from command c
     where l.id = c.loan_id and l.balance >= c.amount
    returning l.id, l.balance, c.event_id
  ), told as (
    insert into outbox (${outboxColumns})
    select event_id, 'payment_registered', 'test.payment.registered', id, id, 1,
           json_build_object('balance', balance)::text, $4::uuid
      from paid
  )
  select id from paid order by id`,
);

const postgresql = (await realDatabases()).find(({ dialect }) => dialect.name === 'postgresql');

describe.skipIf(postgresql?.unreachable !== undefined)('events of a set', () => {
  let world: MessagingWorld;
  beforeEach(async () => {
    if (!postgresql) throw new Error('no database');
    world = await openMessagingWorld(postgresql);
    await world.run('create table loans (id text primary key, balance integer not null)');
    await world.run("insert into loans values ('a', 10), ('b', 1), ('c', 10)");
  });
  afterEach(() => world.close());

  test('are written with the rows they tell of, by one statement, and leave at once', async () => {
    const broker = new ScriptedBroker();
    const relay = createRelay({ database: world.database, broker, log: silentLog, pollMs: 60_000 });
    relay.start();
    const ids = eventIds({ clock: systemClock }, 3);
    expect(new Set(ids).size).toBe(3);
    const requestId = eventIds({ clock: systemClock }, 1)[0] ?? '';
    const { rows } = await world.database.runAlone(pay, [['a', 'b', 'c'], [2, 2, 2], ids, requestId]);
    hintOutbox();
    expect(rows).toEqual([{ id: 'a' }, { id: 'c' }]);
    await vi.waitFor(() => expect(broker.published).toHaveLength(2), { timeout: 10_000, interval: 5 });
    expect(new Set(broker.published.map(({ id }) => id))).toEqual(new Set([ids[0], ids[2]]));
    expect(JSON.parse(broker.published[0]?.body ?? '')).toMatchObject({
      event_type: 'payment_registered',
      payload: { balance: 8 },
      request_id: requestId,
    });
    await relay.stop();
  });
});
