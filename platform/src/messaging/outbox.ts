import { randomBytes } from 'node:crypto';
import { queryBuilder, type Tx } from '../database/index.ts';
import { type Context, uuidV7 } from '../kernel/index.ts';
import { hintOutbox } from './hints.ts';

/** Something that has happened, for whoever listens. */
export interface DomainEvent {
  /** `payment_registered` */
  readonly type: string;
  /** `sofipo.payment.registered` */
  readonly routingKey: string;
  /** What the body calls the entity: its key as text. */
  readonly entityId: string;
  /** What order is kept for: the loan of a payment. Default: the entity. */
  readonly orderKey?: string;
  /** Plain data that JSON can say; money as decimal text. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Grows when the payload's shape changes; default 1. */
  readonly version?: number;
}

/** A row of `outbox`, as it is written; the database knows the rest. */
export interface OutboxRow {
  readonly id: string;
  readonly event_type: string;
  readonly routing_key: string;
  readonly entity_id: string;
  readonly order_key: string;
  readonly version: number;
  readonly payload: string;
  readonly request_id: string | null;
}

interface OutboxTables {
  readonly outbox: OutboxRow;
}

/**
 * The columns that a statement over a set names when it writes events together with the rows they tell of:
 * `insert into outbox (${outboxColumns}) select …`. `id` is a UUIDv7 of the command (`eventIds`), `payload` the text of
 * a JSON object, `order_key` what the statement has locked: positions follow the order of commits for one key only if
 * whoever writes its events holds a lock on what the key names. After it, call `hintOutbox`.
 */
export const outboxColumns = 'id, event_type, routing_key, entity_id, order_key, version, payload, request_id';

/** So many ids for the events of a set of commands. */
export function eventIds(context: Pick<Context, 'clock'>, count: number): string[] {
  const unixMs = context.clock.now().getTime();
  const random = randomBytes(10 * count);
  return Array.from({ length: count }, (_, place) => uuidV7(unixMs, random.subarray(place * 10, place * 10 + 10)));
}

/**
 * Writes events in the transaction of what they tell of: both are kept, or neither. They are published after the
 * commit, in this order for each order key. Lock what the key names before: of two transactions that write events of
 * one key at once, nobody can say which comes first.
 */
export async function recordEvents(tx: Tx, context: Context, events: readonly DomainEvent[]): Promise<void> {
  if (events.length === 0) return;
  const ids = eventIds(context, events.length);
  const rows = events.map((event, place) => rowOf(context, event, ids[place] ?? ''));
  await queryBuilder<OutboxTables>(tx).insertInto('outbox').values(rows).execute();
  tx.afterCommit(hintOutbox);
}

function rowOf(context: Context, event: DomainEvent, id: string): OutboxRow {
  return {
    id,
    event_type: event.type,
    routing_key: event.routingKey,
    entity_id: event.entityId,
    order_key: event.orderKey ?? event.entityId,
    version: event.version ?? 1,
    payload: JSON.stringify(event.payload),
    request_id: context.requestId,
  };
}
