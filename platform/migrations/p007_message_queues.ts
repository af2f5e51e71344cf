import type { Migration, MigrationRunner } from '../src/database/index.ts';

export const migration: Migration = {
  why: 'What a message does is done once; and where there is no broker, the database keeps the queues.',

  async up(runner) {
    await makeInbox(runner);
    await makeQueues(runner);
  },

  async down({ run }) {
    for (const table of ['queue_leases', 'queue_messages', 'inbox']) await run(`drop table ${table}`);
  },
};

/** Which consumer has handled which message; written in the transaction of the effect. */
async function makeInbox({ dialect, run }: MigrationRunner): Promise<void> {
  const { ascii, instant } = dialect.types;
  await run(`
    create table inbox (
      consumer ${ascii(100)} not null,
      message_id ${ascii(100)} not null,
      handled_at ${instant} not null default ${dialect.now},
      constraint pk_inbox primary key (consumer, message_id)
    )`);
  await run('create index ix_inbox_handled_at on inbox (handled_at)');
}

/** The queues of the embedded broker: a message that was handled is deleted, one that could not be is dead. */
async function makeQueues({ dialect, run }: MigrationRunner): Promise<void> {
  const { ascii, autoId, instant, longText, uuid } = dialect.types;
  await run(`
    create table queue_messages (
      position ${autoId},
      queue ${ascii(100)} not null,
      message_id ${ascii(100)} not null,
      event_type ${ascii(100)} not null,
      routing_key ${ascii(191)} not null,
      body ${longText} not null,
      occurred_at ${instant} not null,
      deliveries integer not null default 0,
      died_at ${instant} null,
      first_tried_at ${instant} null,
      attempts integer null,
      reason varchar(500) null,
      state ${ascii(5)} not null default 'ready',
      constraint ux_queue_messages_id unique (queue, message_id),
      constraint ck_queue_messages_state check (state in ('ready', 'dead')),
      constraint ck_queue_messages_dead check ((state = 'dead') = (died_at is not null and reason is not null))
    )`);
  await run('create index ix_queue_messages_ready on queue_messages (queue, state, position)');
  await run(`
    create table queue_leases (
      queue ${ascii(100)} not null,
      holder ${uuid} not null,
      expires_at ${instant} not null,
      constraint pk_queue_leases primary key (queue)
    )`);
}
