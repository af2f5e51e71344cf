import { randomInt } from 'node:crypto';
import type { Database, Tx } from '../database/index.ts';
import type { Log } from '../kernel/index.ts';
import { backoffMs, pause } from './backoff.ts';
import { type Broker, type OutgoingMessage, type Publication, publishMax } from './contract.ts';
import { eventsCommitted } from './hints.ts';
import {
  findWork,
  holdKey,
  lockSlots,
  markPublished,
  markPublishedOf,
  type PendingRow,
  readPending,
  releaseKey,
  slotDigits,
} from './outbox-statements.ts';

/**
 * Publishes what the outbox holds, in order for each order key, at least once.
 *
 * Order keys are spread over sixteen slots. A turn is one transaction: it locks slots that nobody else is at and where
 * something waits (all of them; a few while much waits, so that other relays have some), reads their oldest events, publishes them with confirms, and marks those that were confirmed.
 * So any number of relays share the work, no two are at one key, and one that dies lets go of its slots at once; what
 * it had published and not marked is published again with the same id. An event is found by not being published, not
 * by coming after the last one: one that was committed late is not passed by.
 *
 * An event that the broker refuses holds back its key (`outbox_holds`) for a growing time, and nobody else's. While the
 * broker is away the relay keeps its hands off the database too, and goes on as soon as it is back.
 */
export interface Relay {
  /** Publishes what is there; resolves to how many were confirmed. Rejects where the database does not answer. */
  relayNow(): Promise<number>;
  start(): void;
  /** Ends after the turn that runs. */
  stop(): Promise<void>;
}

export interface RelayOptions {
  readonly database: Database;
  readonly broker: Broker;
  readonly log: Log;
  /** How long an idle relay waits for news from other processes; default 1,000. */
  readonly pollMs?: number;
  /**
   * From the beginning of one round to that of the next at least, while commits come all the time; default 40. An event
   * after a pause is relayed at once. A round for each commit would cost a busy service as much as the commits do.
   */
  readonly paceMs?: number;
  readonly observe?: (turn: RelayTurn) => void;
}

/** What came of one turn. */
export interface RelayTurn {
  readonly confirmed: number;
  readonly refused: number;
  /** Not tried, or nobody knows; those behind a refused one of their key aside. */
  readonly pending: number;
  readonly durationMs: number;
}

const pollMsDefault = 1_000;
const paceMsDefault = 40;
const slotsPerFullTurn = 4;
/**
 * Where a turn finds less than this, and less in each slot than it takes of one, nothing is left behind: there is no
 * hurry, and what comes within `paceMs` goes with the next turn.
 */
const fullTurn = 100;
/** Events are marked together where at most so many times as many positions lie between the first and the last. */
const sparse = 20;
/** Turns of one `relayNow`, so that it ends. */
const turnsMax = 100_000;
const trouble = { baseMs: 100, maxMs: 30_000 };
const refusal = { baseMs: 1_000, maxMs: 300_000 };
const reasonLengthMax = 500;

export function createRelay(options: RelayOptions): Relay {
  return new OutboxRelay(options);
}

class OutboxRelay implements Relay {
  readonly #options: RelayOptions;
  readonly #stopping = new AbortController();
  #wake = new AbortController();
  #running: Promise<void> | undefined;
  #failures = 0;
  #isHinted = false;
  /** Whether the last turn has left something behind. */
  #isBehind = false;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  async relayNow(): Promise<number> {
    let confirmed = 0;
    for (let turn = 0; turn < turnsMax && !this.#stopping.signal.aborted; turn += 1) {
      const done = await this.#turn();
      confirmed += done.confirmed;
      if (hasNoMore(done)) break;
    }
    return confirmed;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const endHint = eventsCommitted.on(() => this.#onHint());
    const endWatch = this.#options.broker.watchHealth(({ isUp }) => {
      if (!isUp) return;
      this.#failures = 0;
      this.#onHint();
    });
    while (!this.#stopping.signal.aborted) {
      this.#isHinted = false;
      const startedMs = performance.now();
      await this.#round();
      await this.#rest(startedMs);
    }
    endHint();
    endWatch();
  }

  /** While the broker is in trouble, commits are no reason to try again sooner. */
  #onHint(): void {
    this.#isHinted = true;
    if (this.#failures === 0) this.#wake.abort();
  }

  async #round(): Promise<void> {
    const { broker, log } = this.#options;
    if (!broker.health.isUp) {
      this.#failures += 1;
      return;
    }
    try {
      for (;;) {
        const turn = await this.#turn();
        this.#failures = turn.pending > 0 ? this.#failures + 1 : 0;
        if (hasNoMore(turn) || this.#stopping.signal.aborted) return;
        if (!this.#isBehind) {
          this.#isHinted = true; // what came meanwhile, or is at another relay's slots, waits no longer than the pace
          return;
        }
      }
    } catch (error) {
      if (this.#failures === 0) log.error({ error }, 'Events cannot be relayed');
      this.#failures += 1;
    }
  }

  async #rest(startedMs: number): Promise<void> {
    const { pollMs = pollMsDefault, paceMs = paceMsDefault } = this.#options;
    const { signal: stopping } = this.#stopping;
    if (this.#failures === 0) await pause(Math.max(0, startedMs + paceMs - performance.now()), stopping);
    if (stopping.aborted || (this.#isHinted && this.#failures === 0)) return;
    // Processes that start at once do not poll at once for ever.
    const restMs = this.#failures > 0 ? backoffMs(this.#failures, trouble) : pollMs * (0.9 + 0.2 * Math.random());
    this.#wake = new AbortController();
    await pause(restMs, AbortSignal.any([this.#wake.signal, stopping]));
  }

  async #turn(): Promise<RelayTurn> {
    const { database, observe } = this.#options;
    const startedMs = performance.now();
    const [work] = await findWork(database, {});
    if (!work) return nothing;
    const counts = await database.transact((tx) => this.#publish(tx), { attemptsMax: 1 });
    const turn = { ...counts, durationMs: performance.now() - startedMs };
    observe?.(turn);
    return turn;
  }

  async #publish(tx: Tx): Promise<Omit<RelayTurn, 'durationMs'>> {
    const slots = await someSlots(tx, this.#isBehind ? slotsPerFullTurn : slotDigits.length);
    if (slots.length === 0) return nothing;
    const limit = Math.floor(publishMax / slots.length);
    const found = await readPending(tx, { slots: slots.map(({ slot }) => slot).join(''), limit: String(limit) });
    // A union promises no order, and that of a key is by position.
    const rows = found.toSorted((one, other) => Number(one.position) - Number(other.position));
    this.#isBehind =
      rows.length >= fullTurn || slots.some(({ slot }) => rows.filter((row) => row.slot === slot).length >= limit);
    if (rows.length === 0) return nothing;
    const publications = await this.#options.broker.publish(rows.map(messageOf));
    const outcomes = new Map(rows.map((row, place) => [row, publications[place] ?? { state: 'pending' as const }]));
    await mark(
      tx,
      rows.filter((row) => outcomes.get(row)?.state === 'confirmed'),
    );
    const refused = await this.#keepOrder(tx, outcomes);
    const confirmed = publications.filter(({ state }) => state === 'confirmed').length;
    const pending = [...outcomes].filter(([row, { state }]) => state === 'pending' && !refused.has(row.order_key));
    return { confirmed, refused: refused.size, pending: pending.length };
  }

  /** Holds back the keys that were refused, and lets go of those that were confirmed after all. */
  async #keepOrder(tx: Tx, outcomes: ReadonlyMap<PendingRow, Publication>): Promise<ReadonlySet<string>> {
    const refused = new Set<string>();
    for (const [row, outcome] of outcomes) {
      if (outcome.state === 'confirmed' && row.attempts !== null) await releaseKey(tx, { orderKey: row.order_key });
      if (outcome.state !== 'refused') continue;
      refused.add(row.order_key);
      const attempts = (row.attempts ?? 0) + 1;
      const reason = outcome.reason.slice(0, reasonLengthMax);
      const delayS = backoffMs(attempts, refusal) / 1_000;
      await holdKey(tx, { orderKey: row.order_key, position: String(row.position), attempts, reason, delayS });
      this.#options.log.warn({ event_id: row.id, attempts, reason }, 'The broker refused an event; its key waits');
    }
    return refused;
  }
}

/** Nothing was there, or the broker went away. A key that was refused waits, and others may not have had their turn. */
function hasNoMore({ confirmed, refused, pending }: RelayTurn): boolean {
  return pending > 0 || confirmed + refused === 0;
}

const nothing: RelayTurn = { confirmed: 0, refused: 0, pending: 0, durationMs: 0 };

/** From a slot by chance on, so that no slot comes last for ever; from the first one where that finds none. */
async function someSlots(tx: Tx, count: number): Promise<readonly { readonly slot: string }[]> {
  const limit = String(count);
  const start = count === slotDigits.length ? '0' : randomInt(slotDigits.length).toString(16);
  const slots = await lockSlots(tx, { start, limit });
  return slots.length > 0 || start === '0' ? slots : lockSlots(tx, { start: '0', limit });
}

async function mark(tx: Tx, rows: readonly PendingRow[]): Promise<void> {
  const all = rangeOf(rows);
  if (!all) return;
  if (all.width <= sparse * rows.length) {
    await markPublished(tx, all.params);
    return;
  }
  for (const slot of new Set(rows.map((row) => row.slot))) {
    const own = rangeOf(rows.filter((row) => row.slot === slot));
    if (own) await markPublishedOf(tx, { slot, ...own.params });
  }
}

/** Where some events lie, which are in their order, and how many positions that spans; undefined for none. */
function rangeOf(rows: readonly PendingRow[]) {
  const positions = rows.map(({ position }) => Number(position));
  const [first, last] = [positions.at(0), positions.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return {
    width: last - first,
    params: { first: String(first), last: String(last), positions: positions.join(',') },
  };
}

/** The body that listeners know: type, entity, payload and time; what we add stands behind them. */
function messageOf(row: PendingRow): OutgoingMessage {
  const timestamp = row.occurred_at.toISOString();
  const before = JSON.stringify({ event_type: row.event_type, entity_id: row.entity_id }).slice(0, -1);
  const after = JSON.stringify({ timestamp, event_id: row.id, version: row.version, request_id: row.request_id });
  return {
    id: row.id,
    eventType: row.event_type,
    routingKey: row.routing_key,
    orderKey: row.order_key,
    // The payload is JSON already (a constraint holds that), and goes out as it was written.
    body: `${before},"payload":${row.payload},${after.slice(1)}`,
    occurredAt: row.occurred_at,
  };
}
