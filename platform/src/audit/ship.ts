import { createHash } from 'node:crypto';
import { appendFile, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { type Database, readOn, writeOn } from '../database/index.ts';
import type { Log } from '../kernel/index.ts';
import { checkpointPage } from './prove.ts';
import type { SignedCheckpoint } from './signing.ts';

/**
 * Checkpoints leave the machine: who can write to the database could cut off the newest rows together with their
 * checkpoints, and only a checkpoint that is kept elsewhere tells. The newest one that a place has not got is sent; of
 * several processes one sends it, and a place that does not answer is tried again.
 */
export interface Sink {
  /** Names the place in `audit_shipments`; short and without secrets. */
  readonly name: string;
  send(checkpoint: SignedCheckpoint): Promise<void>;
}

const sendTimeoutMs = 10_000;
/** Longer than a send takes; a process that died with its claim gives it up so. */
const claimSeconds = 30;

/** Appends notes to a file, each followed by an empty line, and waits until they are on the disk. */
export function fileSink(file: string): Sink {
  return {
    name: `file ${digestOf(path.resolve(file))}`,
    send: async ({ note }) => {
      await mkdir(path.dirname(file), { recursive: true });
      await appendFile(file, `${note}\n`, { mode: 0o644 });
      const handle = await open(file, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
  };
}

/** Posts notes as text to an address; any 2xx says that it is kept. */
export function webhookSink(url: string): Sink {
  return {
    name: `webhook ${digestOf(url)}`,
    send: async ({ note }) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: note,
        redirect: 'error',
        signal: AbortSignal.timeout(sendTimeoutMs),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`The address for checkpoints answered ${response.status}`);
    },
  };
}

/** Kept notes as a file has them, apart. */
export function notesIn(text: string): string[] {
  return text
    .split(/\n\n(?=[^\n—])/u)
    .map((note) => `${note.trim()}\n`)
    .filter((note) => note !== '\n');
}

interface ShipmentRow {
  readonly size: number | string;
}

const sentTo = readOn<ShipmentRow, { sink: string }>(
  'audit.shipment',
  () => 'select size from audit_shipments where sink = :sink',
);

const register = writeOn<never, { sink: string }>(
  'audit.register_sink',
  (on) => `
    insert into audit_shipments (sink, size, claimed_until) values (:sink, 0, null)
    ${on.overwriting(['sink'], ['sink'])}`,
);

const claim = writeOn<never, { sink: string; seconds: number; size: number }>(
  'audit.claim_shipment',
  (on) => `
    update audit_shipments set claimed_until = ${on.after(':seconds')}
     where sink = :sink and size < :size and (claimed_until is null or claimed_until < ${on.now})`,
);

const settle = writeOn<never, { sink: string; size: number }>(
  'audit.settle_shipment',
  () => `
    update audit_shipments set size = case when size < :size then :size else size end, claimed_until = null
     where sink = :sink`,
);

export interface Shipper {
  /** Sends the newest checkpoint to each place that lacks it; resolves to the names of those that failed. */
  shipNow(): Promise<readonly string[]>;
  start(): void;
  stop(): Promise<void>;
}

export function createShipper(options: {
  readonly database: Database;
  readonly sinks: readonly Sink[];
  readonly everyMs: number;
  readonly log: Log;
}): Shipper {
  const { database, sinks, everyMs, log } = options;
  const failing = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();

  const shipTo = async (sink: Sink): Promise<boolean> => {
    try {
      await shipOne(database, sink);
      failing.delete(sink.name);
      return true;
    } catch (error) {
      if (!failing.has(sink.name)) log.error({ error, sink: sink.name }, 'A checkpoint cannot be sent away');
      failing.add(sink.name);
      return false;
    }
  };
  const shipNow = async (): Promise<readonly string[]> => {
    for (const sink of sinks) await shipTo(sink);
    return [...failing];
  };
  const tick = async (): Promise<void> => {
    await shipNow();
    if (timer) timer = planned();
  };
  const planned = (): NodeJS.Timeout =>
    setTimeout(() => {
      running = tick();
    }, everyMs).unref();
  return {
    shipNow,
    start: () => {
      if (sinks.length > 0) timer ??= planned();
    },
    stop: async () => {
      clearTimeout(timer);
      timer = undefined;
      await running;
    },
  };
}

async function shipOne(database: Database, sink: Sink): Promise<void> {
  const [newest] = await checkpointPage(database, { limit: 1 });
  if (!newest) return;
  const [known] = await sentTo(database, { sink: sink.name });
  if (known && Number(known.size) >= newest.size) return;
  const claimed = await database.transact(async (tx) => {
    if (!known) await register(tx, { sink: sink.name });
    return claim(tx, { sink: sink.name, seconds: claimSeconds, size: newest.size });
  });
  if (claimed.affected === 0) return;
  await sink.send(newest);
  await database.transact((tx) => settle(tx, { sink: sink.name, size: newest.size }));
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
