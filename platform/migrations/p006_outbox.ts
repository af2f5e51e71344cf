import type { Migration, MigrationRunner } from '../src/database/index.ts';

export const migration: Migration = {
  why: 'An event is written in the transaction of what it tells of, and leaves for the broker afterwards, never before.',

  async up(runner) {
    await makeOutbox(runner);
    await makeRelayTables(runner);
  },

  async down({ run }) {
    for (const table of ['outbox_holds', 'outbox_slots', 'outbox']) await run(`drop table ${table}`);
  },
};

/**
 * `slot` is one hex digit, the same for all events of an order key, until the event is published, and null from then
 * on. So the unpublished ones of a slot, in order, are one short range of an index, however many were published; the
 * database works it out, and a statement that writes events need not know of it.
 */
async function makeOutbox({ dialect, run }: MigrationRunner): Promise<void> {
  const { ascii, autoId, instant, longText, uuid } = dialect.types;
  const isJson = dialect.name === 'mysql' ? 'json_valid(payload)' : 'cast(payload as json) is not null';
  await run(`
    create table outbox (
      position ${autoId},
      id ${uuid} not null,
      event_type ${ascii(100)} not null,
      routing_key ${ascii(191)} not null,
      entity_id varchar(191) not null,
      order_key varchar(191) not null,
      version smallint not null default 1,
      payload ${longText} not null,
      request_id ${uuid} null,
      occurred_at ${instant} not null default ${dialect.now},
      published_at ${instant} null,
      slot ${ascii(1)} generated always as (case when published_at is null then left(md5(order_key), 1) end) stored,
      constraint ux_outbox_id unique (id),
      constraint ck_outbox_payload check (${isJson}),
      constraint ck_outbox_size check (octet_length(payload) <= 1048576)
    )`);
  // What was published needs no place in it; MySQL has no partial index, and keeps a null there.
  const unpublished = dialect.name === 'mysql' ? '' : 'where slot is not null';
  await run(`create index ix_outbox_slot on outbox (slot, position) ${unpublished}`);
  await run('create index ix_outbox_published_at on outbox (published_at)');
}

/** Whoever relays a slot locks its row. A key in `outbox_holds` waits because the broker refused its oldest event. */
async function makeRelayTables({ dialect, run }: MigrationRunner): Promise<void> {
  const { ascii, instant } = dialect.types;
  await run(`create table outbox_slots (slot ${ascii(1)} not null, constraint pk_outbox_slots primary key (slot))`);
  const digits = '0123456789abcdef'.split('').map((digit) => `('${digit}')`);
  await run(`insert into outbox_slots (slot) values ${digits.join(', ')}`);
  await run(`
    create table outbox_holds (
      order_key varchar(191) not null,
      position bigint not null,
      attempts integer not null,
      last_error varchar(500) not null,
      retry_at ${instant} not null,
      constraint pk_outbox_holds primary key (order_key),
      constraint ck_outbox_holds_attempts check (attempts > 0)
    )`);
}
