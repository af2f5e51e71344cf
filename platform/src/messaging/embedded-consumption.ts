import { randomUUID } from 'node:crypto';
import type { Database, Tx } from '../database/index.ts';
import type { Log } from '../kernel/index.ts';
import { backoffMs, pause } from './backoff.ts';
import type { ConsumeRequest, Consumption, Delivery, Take } from './contract.ts';
import {
  buryMessage,
  countDelivery,
  deleteDone,
  dropLease,
  makeLease,
  type QueueRow,
  readReady,
  takeLease,
} from './embedded-statements.ts';

export interface EmbeddedConsumptionOptions {
  readonly database: Database;
  readonly log: Log;
  readonly request: ConsumeRequest;
  readonly take: Take;
  readonly pollMs: number;
  readonly leaseMs: number;
}

const trouble = { baseMs: 100, maxMs: 10_000 };
const reasonLengthMax = 500;
/** How often the lease is renewed while it lasts. */
const renewals = 3;

/**
 * Consumes one queue as long as it holds the lease on it. States: *waiting* for the lease that another process has;
 * *idle*: the queue is empty; *taking*: a batch is with its taker, and the lease is renewed meanwhile. A lease that is
 * lost aborts the taking: the messages are somebody else's then.
 */
export class EmbeddedConsumption implements Consumption {
  readonly #options: EmbeddedConsumptionOptions;
  readonly #holder = randomUUID();
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #wake = new AbortController();
  #isHinted = false;

  constructor(options: EmbeddedConsumptionOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  /** Something has come in. */
  wake(): void {
    this.#isHinted = true;
    this.#wake.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { log, request, pollMs } = this.#options;
    for (let failures = 0; !this.#stopping.signal.aborted;) {
      let hasTaken = false;
      try {
        hasTaken = await this.#turn();
        if (failures > 0) log.info({ queue: request.queue }, 'Messages are consumed again');
        failures = 0;
      } catch (error) {
        if (failures === 0) log.error({ error, queue: request.queue }, 'Messages cannot be consumed');
        failures += 1;
      }
      if (hasTaken) continue;
      await this.#rest(failures > 0 ? backoffMs(failures, trouble) : pollMs * (0.9 + 0.2 * Math.random()));
    }
    await this.#release();
  }

  async #rest(restMs: number): Promise<void> {
    if (!this.#isHinted) {
      this.#wake = new AbortController();
      await pause(restMs, AbortSignal.any([this.#wake.signal, this.#stopping.signal]));
    }
    this.#isHinted = false;
  }

  /** One batch; false where there is nothing behind it, or the queue is another process's. */
  async #turn(): Promise<boolean> {
    const { database, request } = this.#options;
    const rows = await database.transact(async (tx) => ((await this.#lease(tx)) ? this.#read(tx) : []));
    if (rows.length === 0) return false;
    const lost = new AbortController();
    const renewing = setInterval(() => void this.#renew(lost), this.#options.leaseMs / renewals);
    try {
      const settle = settlementOf(database);
      const signal = AbortSignal.any([lost.signal, this.#stopping.signal]);
      await this.#options.take(
        rows.map((row) => deliveryOf(row, settle)),
        signal,
      );
    } finally {
      clearInterval(renewing);
    }
    return rows.length === request.prefetch;
  }

  async #lease(tx: Tx): Promise<boolean> {
    const { request, leaseMs } = this.#options;
    const ours = { queue: request.queue, holder: this.#holder, seconds: leaseMs / 1_000 };
    if ((await takeLease(tx, ours)).affected > 0) return true;
    await makeLease(tx, ours);
    return (await takeLease(tx, ours)).affected > 0;
  }

  async #renew(lost: AbortController): Promise<void> {
    // A database that is away for a moment takes the lease from nobody: who comes later finds it as it is.
    const isOurs = await this.#options.database.transact((tx) => this.#lease(tx)).catch(() => true);
    if (!isOurs) lost.abort();
  }

  async #read(tx: Tx): Promise<readonly QueueRow[]> {
    const { queue, prefetch } = this.#options.request;
    const rows = await readReady(tx, { queue, limit: String(prefetch) });
    const listed = listOf(rows.map(({ position }) => String(position)));
    if (listed) await countDelivery(tx, listed);
    return rows;
  }

  async #release(): Promise<void> {
    const { database, request } = this.#options;
    try {
      await database.transact((tx) => dropLease(tx, { queue: request.queue, holder: this.#holder }));
    } catch (error) {
      this.#options.log.debug({ error, queue: request.queue }, 'The lease of a queue runs out by itself');
    }
  }
}

interface Listed {
  readonly first: string;
  readonly last: string;
  readonly positions: string;
}

function listOf(positions: readonly string[]): Listed | undefined {
  const numbers = positions.map(Number).toSorted((a, b) => a - b);
  const [first, last] = [numbers.at(0), numbers.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return { first: String(first), last: String(last), positions: positions.join(',') };
}

interface Settlement {
  done(position: string): Promise<void>;
  bury(row: QueueRow, death: Parameters<Delivery['bury']>[0]): Promise<void>;
}

/** What is done at the same moment leaves in one statement. */
function settlementOf(database: Database): Settlement {
  let positions: string[] = [];
  let flushed: Promise<void> | undefined;
  const flush = async (): Promise<void> => {
    await Promise.resolve();
    const listed = listOf(positions);
    positions = [];
    flushed = undefined;
    if (listed) await database.transact((tx) => deleteDone(tx, listed));
  };
  return {
    done: (position) => {
      positions.push(position);
      return (flushed ??= flush());
    },
    bury: async (row, { reason, attempts, firstTriedAt }) => {
      const death = {
        position: String(row.position),
        reason: reason.slice(0, reasonLengthMax),
        attempts,
        firstTriedAt,
      };
      await database.transact((tx) => buryMessage(tx, death));
    },
  };
}

function deliveryOf(row: QueueRow, settle: Settlement): Delivery {
  return {
    message: {
      id: row.message_id,
      eventType: row.event_type,
      routingKey: row.routing_key,
      occurredAt: row.occurred_at,
      body: row.body,
      isRedelivered: row.deliveries > 0,
    },
    done: () => settle.done(String(row.position)),
    bury: (death) => settle.bury(row, death),
  };
}
