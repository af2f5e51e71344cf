import { readOn, writeOn } from '../database/index.ts';

/** The statements of the queues that the database keeps, on both engines. */

type Whole = number | string;

export interface QueueRow {
  readonly position: Whole;
  readonly message_id: string;
  readonly event_type: string;
  readonly routing_key: string;
  readonly body: string;
  readonly occurred_at: Date;
  readonly deliveries: number;
}

export interface DeadRow extends QueueRow {
  readonly reason: string;
  readonly attempts: number | null;
  readonly first_tried_at: Date | null;
  readonly died_at: Date;
}

const columns = 'position, message_id, event_type, routing_key, body, occurred_at, deliveries';

/** Changes a row where the lease is ours, or has run out. */
export const takeLease = writeOn<never, { queue: string; holder: string; seconds: number }>(
  'queue.take_lease',
  (on) => `
    update queue_leases set holder = :holder, expires_at = ${on.after(':seconds')}
     where queue = :queue and (holder = :holder or expires_at < ${on.now})`,
);

/** The first lease of a queue; where somebody was faster it changes nothing that matters. */
export const makeLease = writeOn<never, { queue: string; holder: string; seconds: number }>(
  'queue.make_lease',
  (on) => `
    insert into queue_leases (queue, holder, expires_at) values (:queue, :holder, ${on.after(':seconds')})
    ${on.overwriting(['queue'], ['queue'])}`,
);

export const dropLease = writeOn<never, { queue: string; holder: string }>(
  'queue.drop_lease',
  () => 'delete from queue_leases where queue = :queue and holder = :holder',
);

export const readReady = readOn<QueueRow, { queue: string; limit: string }>(
  'queue.read',
  () => `select ${columns} from queue_messages where queue = :queue and state = 'ready' order by position limit :limit`,
);

export const countDelivery = writeOn<never, { positions: string; first: string; last: string }>(
  'queue.count_delivery',
  (on) => `
    update queue_messages set deliveries = deliveries + 1
     where position between :first and :last and ${on.isListedNumber('position', ':positions')}`,
);

export const deleteDone = writeOn<never, { positions: string; first: string; last: string }>(
  'queue.done',
  (on) => `
    delete from queue_messages
     where position between :first and :last and ${on.isListedNumber('position', ':positions')} and state = 'ready'`,
);

export const buryMessage = writeOn<never, { position: string; reason: string; attempts: number; firstTriedAt: Date }>(
  'queue.bury',
  (on) => `
    update queue_messages
       set state = 'dead', died_at = ${on.now}, reason = :reason, attempts = :attempts, first_tried_at = :firstTriedAt
     where position = :position and state = 'ready'`,
);

export const readDead = readOn<DeadRow, { queue: string; limit: string }>(
  'queue.read_dead',
  () => `
    select ${columns}, reason, attempts, first_tried_at, died_at
      from queue_messages where queue = :queue and state = 'dead' order by position limit :limit`,
);

const revived = "set state = 'ready', died_at = null, reason = null, attempts = null, first_tried_at = null";

export const reviveOne = writeOn<never, { queue: string; id: string }>(
  'queue.replay',
  () => `update queue_messages ${revived} where queue = :queue and message_id = :id and state = 'dead'`,
);

export const reviveListed = writeOn<never, { positions: string; first: string; last: string }>(
  'queue.replay_listed',
  (on) => `
    update queue_messages ${revived}
     where position between :first and :last and ${on.isListedNumber('position', ':positions')} and state = 'dead'`,
);
