import { randomBytes, randomUUID } from 'node:crypto';
import { createMigrator, type Database, queryBuilder, type Tx } from '../../database/index.ts';
import { type Context, operatorContext, silentLog, systemClock } from '../../kernel/index.ts';
import { openScratch, type Scratch } from '../../testing/scratch-database.ts';
import type { RealDatabaseCase } from '../../testing/index.ts';
import type { IncomingMessage, OutgoingMessage, Topology } from '../contract.ts';
import { onceOnly } from '../inbox.ts';
import { type DomainEvent, recordEvents } from '../outbox.ts';

/** A database with the tables of messaging. */
export interface MessagingWorld extends Scratch {
  /** Writes events, each in a transaction of its own. */
  emit(events: readonly DomainEvent[]): Promise<void>;
  /** What the handler `takeEffect` did, in its order, by order key. */
  effects(): Promise<ReadonlyMap<string, readonly number[]>>;
  /** How many events wait to be published. */
  pending(): Promise<number>;
}

const platformMigrations = new URL('../../../migrations/', import.meta.url);

export async function openMessagingWorld(real: RealDatabaseCase): Promise<MessagingWorld> {
  const scratch = await openScratch(real);
  await createMigrator({
    url: scratch.url,
    service: 'test',
    streams: [
      { name: 'platform', folder: platformMigrations, only: ['p006_outbox', 'p007_message_queues', 'p008_jobs'] },
    ],
    lockTimeoutMs: 10_000,
    log: silentLog,
  }).up();
  const { autoId } = real.dialect.types;
  await scratch.run(`create table effects (id ${autoId}, order_key varchar(64) not null, place integer not null)`);
  return {
    ...scratch,
    emit: async (events) => {
      for (const event of events) await scratch.database.transact((tx) => record(tx, event));
    },
    effects: async () => {
      const rows = await scratch.run('select order_key, place from effects order by id');
      const byKey = Map.groupBy(rows, (row) => String(row['order_key']));
      return new Map([...byKey].map(([key, own]) => [key, own.map(({ place }) => Number(place))]));
    },
    pending: async () => {
      const [row] = await scratch.run('select count(*) as count from outbox where published_at is null');
      return Number(row?.['count']);
    },
  };
}

export function record(tx: Tx, ...events: readonly DomainEvent[]): Promise<void> {
  return recordEvents(tx, testContext(), events);
}

function testContext(): Context {
  return operatorContext({ clock: systemClock, log: silentLog }, 'loan.pay');
}

/** A handler whose effect happens once for each message, however often that comes. */
export function takeEffect(database: Database): (messages: readonly IncomingMessage[]) => Promise<void> {
  return async (messages) => {
    for (const message of messages) {
      const { payload } = JSON.parse(message.body) as { payload: { loan: string; place: number } };
      await database.transact(async (tx) => {
        if (!(await onceOnly(tx, 'effects', message.id))) return;
        const row = { order_key: payload.loan, place: payload.place };
        await queryBuilder<{ effects: { order_key: string; place: number } }>(tx)
          .insertInto('effects')
          .values(row)
          .execute();
      });
    }
  };
}

/** The n-th payment of a loan. */
export function payment(loan: string, place: number): DomainEvent {
  return {
    type: 'payment_registered',
    routingKey: 'test.payment.registered',
    entityId: `${loan}-${place}`,
    orderKey: loan,
    payload: { loan, place, note: 'ñ "x" \\ 👍\n' },
  };
}

/** Names of its own: an exchange, a queue of everything and a queue of payments alone. */
export function ownTopology(): Topology & { readonly all: string; readonly payments: string } {
  const own = `quinta_test_${randomBytes(6).toString('hex')}`;
  const [all, payments] = [`${own}_all`, `${own}_payments`];
  return {
    all,
    payments,
    exchange: `${own}_exchange`,
    queues: [
      { queue: all, bindings: ['test.#'] },
      { queue: payments, bindings: ['test.payment.*', 'other.#'] },
    ],
  };
}

export function outgoing(orderKey: string, place: number, change: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    id: randomUUID(),
    eventType: 'payment_registered',
    routingKey: 'test.payment.registered',
    orderKey,
    body: JSON.stringify({ orderKey, place }),
    occurredAt: new Date('2026-03-01T10:00:00.000Z'),
    ...change,
  };
}
