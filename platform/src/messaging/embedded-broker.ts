import { type Database, ignoringDuplicates, queryBuilder } from '../database/index.ts';
import { type Log, silentLog } from '../kernel/index.ts';
import type { Broker, DeadLetter, OutgoingMessage, Publication, Topology } from './contract.ts';
import { EmbeddedConsumption } from './embedded-consumption.ts';
import { type DeadRow, readDead, reviveListed, reviveOne } from './embedded-statements.ts';
import { matchesTopic } from './topic.ts';

export interface EmbeddedBrokerOptions {
  readonly database: Database;
  readonly topology: Topology;
  readonly log?: Log;
  /** How long an idle consumer waits for news from other processes; default 1,000. */
  readonly pollMs?: number;
  /** How long a consumer that is gone keeps its queue from others; default 10,000. */
  readonly leaseMs?: number;
}

const pollMsDefault = 1_000;
const leaseMsDefault = 10_000;
const queuePattern = /^[\x21-\x7e]{1,100}$/;

interface QueueTables {
  readonly queue_messages: {
    readonly queue: string;
    readonly message_id: string;
    readonly event_type: string;
    readonly routing_key: string;
    readonly body: string;
    readonly occurred_at: Date;
  };
}

/**
 * The broker where there is none: queues in the service's own database, polled. What RabbitMQ does by an exclusive
 * consumer, a lease does here: one process consumes a queue, and when it is gone the next one goes on. Throws a
 * RangeError for the name of a queue that is not 1 to 100 printable ASCII characters.
 */
export function embeddedBroker(options: EmbeddedBrokerOptions): Broker {
  const { database, topology, log = silentLog, pollMs = pollMsDefault, leaseMs = leaseMsDefault } = options;
  const unfit = topology.queues.find(({ queue }) => !queuePattern.test(queue));
  if (unfit) throw new RangeError(`"${unfit.queue}" is no name for a queue in the database`);
  const consumptions = new Set<EmbeddedConsumption>();
  return {
    kind: 'embedded',
    topology,
    health: { isUp: true },
    watchHealth: () => () => undefined,
    ping: () => database.ping(),
    publish: async (messages) => {
      const rows = messages.flatMap((message) => rowsOf(topology, message));
      if (rows.length > 0) await insert(database, rows);
      for (const consumption of consumptions) consumption.wake();
      return messages.map((): Publication => ({ state: 'confirmed' }));
    },
    consume: (request, take) => {
      const consumption = new EmbeddedConsumption({ database, log, request, take, pollMs, leaseMs });
      consumptions.add(consumption);
      return {
        stop: async () => {
          consumptions.delete(consumption);
          await consumption.stop();
        },
      };
    },
    deadLetters: async (queue, { limit }) =>
      (await readDead(database, { queue, limit: String(limit) })).map((row) => deadLetterOf(queue, row)),
    replay: async (queue, { id, limit }) => {
      const count = await replay(database, queue, { id, limit });
      for (const consumption of consumptions) consumption.wake();
      return count;
    },
    close: async () => {
      await Promise.all([...consumptions].map((consumption) => consumption.stop()));
    },
  };
}

function rowsOf({ queues }: Topology, message: OutgoingMessage): QueueTables['queue_messages'][] {
  return queues
    .filter(({ bindings }) => bindings.some((pattern) => matchesTopic(pattern, message.routingKey)))
    .map(({ queue }) => ({
      queue,
      message_id: message.id,
      event_type: message.eventType,
      routing_key: message.routingKey,
      body: message.body,
      occurred_at: message.occurredAt,
    }));
}

/** A message that is there already, say because its relay died before it had noted that, stays the one it is. */
async function insert(database: Database, rows: readonly QueueTables['queue_messages'][]): Promise<void> {
  await database.transact((tx) =>
    ignoringDuplicates(queryBuilder<QueueTables>(tx).insertInto('queue_messages').values(rows), tx.dialect).execute(),
  );
}

async function replay(
  database: Database,
  queue: string,
  { id, limit }: { readonly id: string | undefined; readonly limit: number },
): Promise<number> {
  return database.transact(async (tx) => {
    if (id !== undefined) return (await reviveOne(tx, { queue, id })).affected;
    const positions = (await readDead(tx, { queue, limit: String(limit) })).map(({ position }) => String(position));
    const [first, last] = [positions.at(0), positions.at(-1)];
    if (first === undefined || last === undefined) return 0;
    return (await reviveListed(tx, { first, last, positions: positions.join(',') })).affected;
  });
}

function deadLetterOf(queue: string, row: DeadRow): DeadLetter {
  return {
    id: row.message_id,
    queue,
    eventType: row.event_type,
    routingKey: row.routing_key,
    reason: row.reason,
    attempts: row.attempts ?? 0,
    firstTriedAt: row.first_tried_at ?? undefined,
    diedAt: row.died_at,
    body: row.body,
  };
}
