import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realDatabases } from '../testing/index.ts';
import { type MessagingWorld, openMessagingWorld } from './test/messaging-world.ts';

const id = "'0190f3a2-5c1e-7a43-9a51-00000000000";
const job = (row: string): string =>
  `insert into jobs (id, kind, job_key, payload, state, due_at, attempts_max, ended_at) values (${row})`;
const event = (row: string): string =>
  `insert into outbox (id, event_type, routing_key, entity_id, order_key, payload) values (${row})`;
const message = (row: string): string =>
  `insert into queue_messages (queue, message_id, event_type, routing_key, body, occurred_at, state, died_at, reason)
   values (${row})`;
const then = "'2026-01-01'";

/** What breaks each invariant that the tables hold; the first two of a pair of keys are good alone. */
const breaks: readonly (readonly [constraint: string, ...statements: string[]])[] = [
  ['ux_outbox_id', event(`${id}1', 'x', 'x', '1', '1', '{}'`), event(`${id}1', 'x', 'x', '1', '1', '{}'`)],
  ['ck_outbox_holds_attempts', `insert into outbox_holds values ('k', 1, 0, 'x', ${then})`],
  [
    'ux_queue_messages_id',
    message(`'q', 'm', 'x', 'x', '', ${then}, 'ready', null, null`),
    message(`'q', 'm', 'x', 'x', '', ${then}, 'ready', null, null`),
  ],
  ['ck_queue_messages_state', message(`'q', 'a', 'x', 'x', '', ${then}, 'gone', null, null`)],
  ['ck_queue_messages_dead', message(`'q', 'b', 'x', 'x', '', ${then}, 'dead', null, 'why'`)],
  ['ck_queue_messages_dead', message(`'q', 'c', 'x', 'x', '', ${then}, 'ready', ${then}, 'why'`)],
  [
    'ux_jobs_kind_key',
    job(`${id}1', 'k', 'same', '{}', 'waiting', ${then}, 1, null`),
    job(`${id}2', 'k', 'same', '{}', 'waiting', ${then}, 1, null`),
  ],
  ['ck_jobs_state', job(`${id}3', 'k', null, '{}', 'asleep', ${then}, 1, null`)],
  ['ck_jobs_due', job(`${id}4', 'k', null, '{}', 'waiting', null, 1, null`)],
  ['ck_jobs_due', job(`${id}5', 'k', null, '{}', 'done', ${then}, 1, ${then}`)],
  ['ck_jobs_ended', job(`${id}6', 'k', null, '{}', 'dead', null, 1, null`)],
  ['ck_jobs_attempts', job(`${id}7', 'k', null, '{}', 'waiting', ${then}, 0, null`)],
];

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`the tables of messaging on ${real.name}`, () => {
    let world: MessagingWorld;
    beforeAll(async () => {
      world = await openMessagingWorld(real);
    });
    afterAll(() => world.close());

    test.each(breaks)('%s holds', async (constraint, ...statements) => {
      const last = statements.pop() ?? '';
      for (const good of statements) await world.run(good);
      await expect(world.run(last)).rejects.toThrow(constraint);
    });
  });
}
