import { readOn, type SqlWords, writeOn } from '../database/index.ts';
import type { OutboxRow } from './outbox.ts';

/** The statements of relaying, on both engines. Numbers of 64 bits arrive as the driver likes: `Number()`. */

type Whole = number | string;

export const slotDigits = '0123456789abcdef';

/** An event that waits to be published. */
export interface PendingRow extends OutboxRow {
  readonly position: Whole;
  readonly slot: string;
  readonly occurred_at: Date;
  /** How often its key was refused; null where it was not. */
  readonly attempts: number | null;
}

const pendingColumns = [
  'position',
  'id',
  'event_type',
  'routing_key',
  'entity_id',
  'order_key',
  'version',
  'payload',
  'request_id',
  'occurred_at',
];

/** An event may leave where its key does not wait. */
const mayLeave = (on: SqlWords): string =>
  `not exists (select 1 from outbox_holds h where h.order_key = o.order_key and h.retry_at > ${on.now})`;

/**
 * Whether something may leave a slot. A single value and no EXISTS: that would be planned as a join, and with the
 * statistics of a large table MariaDB then reads all of it. So it is one look at the index for each slot, always.
 */
const hasWork = (on: SqlWords): string =>
  `(select o.position from outbox o where o.slot = s.slot and ${mayLeave(on)} order by o.position limit 1) is not null`;

/** A slot where something may leave; no row where there is nothing to do. */
export const findWork = readOn<{ readonly slot: string }, Record<string, never>>(
  'outbox.find_work',
  (on) => `
    select s.slot from outbox_slots s
     where ${hasWork(on)}
     limit 1`,
);

/** Slots with something to publish that nobody else is at, from a slot on; read by key, so that no other is locked. */
export const lockSlots = readOn<{ readonly slot: string }, { start: string; limit: string }>(
  'outbox.lock_slots',
  (on) => `
    select s.slot from outbox_slots s
     where s.slot >= :start
       and ${hasWork(on)}
     order by s.slot
     limit :limit for update skip locked`,
);

/** One look at the index for each slot that is wanted; MariaDB has no lateral join that could say so. */
const pendingOf = (on: SqlWords, slot: string): string => `
    (select ${pendingColumns.map((column) => `o.${column}`).join(', ')}, o.slot, held.attempts
       from outbox o left join outbox_holds held on held.order_key = o.order_key
      where :slots like '%${slot}%' and o.slot = '${slot}' and (held.order_key is null or held.retry_at <= ${on.now})
      order by o.position
      limit :limit)`;

/** The oldest events of some slots whose keys do not wait, so many of each slot. `slots` are their digits in a row. */
export const readPending = readOn<PendingRow, { slots: string; limit: string }>('outbox.read_pending', (on) =>
  slotDigits
    .split('')
    .map((slot) => pendingOf(on, slot))
    .join(' union all '),
);

/** Of one slot: what others have in between does not matter, however much it is. */
export const markPublishedOf = writeOn<never, { slot: string; first: string; last: string; positions: string }>(
  'outbox.mark_published',
  (on) => `
    update outbox set published_at = ${on.now}
     where slot = :slot and position between :first and :last and ${on.isListedNumber('position', ':positions')}`,
);

/** Of any slots, where little lies in between. */
export const markPublished = writeOn<never, { first: string; last: string; positions: string }>(
  'outbox.mark_published',
  (on) => `
    update outbox set published_at = ${on.now}
     where position between :first and :last and ${on.isListedNumber('position', ':positions')}`,
);

export const holdKey = writeOn<
  never,
  { orderKey: string; position: string; attempts: number; reason: string; delayS: number }
>(
  'outbox.hold_key',
  (on) => `
    insert into outbox_holds (order_key, position, attempts, last_error, retry_at)
    values (:orderKey, :position, :attempts, :reason, ${on.after(':delayS')})
    ${on.overwriting(['order_key'], ['position', 'attempts', 'last_error', 'retry_at'])}`,
);

export const releaseKey = writeOn<never, { orderKey: string }>(
  'outbox.release_key',
  () => 'delete from outbox_holds where order_key = :orderKey',
);

/**
 * How much waits, and the age of the oldest: slot by slot, so that the number of published rows does not matter. There
 * are sixteen; that tells a planner so that knows nothing of the table yet.
 */
export const readLag = readOn<
  { readonly pending: Whole; readonly held: Whole; readonly age_ms: Whole | null },
  Record<string, never>
>(
  'outbox.lag',
  (on) => `
    select sum(waiting) as pending, (select count(*) from outbox_holds) as held, ${on.ageMs('min(oldest)')} as age_ms
      from (select (select count(*) from outbox p where p.slot = s.slot) as waiting,
                   (select o.occurred_at from outbox o where o.slot = s.slot order by o.position limit 1) as oldest
              from outbox_slots s order by s.slot limit 16) slots`,
);
