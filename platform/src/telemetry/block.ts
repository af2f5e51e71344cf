import { write as writeCallback, writeSync } from 'node:fs';
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import { promisify } from 'node:util';

const write = promisify(writeCallback);

const busyWaitMs = 20;

/** Lines that are written together. */
export interface Block {
  text: string;
  bytes: number;
  lines: number;
}

export interface BlockUnderWay {
  readonly buffer: Buffer;
  readonly lines: number;
  offset: number;
  /** Whether the operating system has the rest of it just now: then it will be written, also while we exit. */
  isHandedOver: boolean;
}

export function emptyBlock(): Block {
  return { text: '', bytes: 0, lines: 0 };
}

export function startBlock(block: Block): BlockUnderWay {
  return { buffer: Buffer.from(block.text), lines: block.lines, offset: 0, isHandedOver: false };
}

/** One write of what is left of a block. A descriptor that is busy (EAGAIN) is tried again until it takes it. */
export async function writeSome(descriptor: number, block: BlockUnderWay): Promise<void> {
  block.isHandedOver = true;
  const written = await attempt(descriptor, block);
  block.isHandedOver = false;
  if (written === 'busy') await setTimeoutPromise(busyWaitMs);
  else if (written instanceof Error) throw written;
  else block.offset += written;
}

async function attempt(descriptor: number, block: BlockUnderWay): Promise<number | 'busy' | Error> {
  try {
    const { bytesWritten } = await write(descriptor, block.buffer, block.offset);
    return bytesWritten > 0 ? bytesWritten : new Error('nothing was written');
  } catch (cause) {
    if (isBusy(cause)) return 'busy';
    return cause instanceof Error ? cause : new Error('unknown');
  }
}

/** Writes the rest of a block synchronously; returns why it could not. */
export function writeNow(descriptor: number, block: BlockUnderWay, giveUpAt: number): string | undefined {
  while (block.offset < block.buffer.length) {
    try {
      block.offset += writeSync(descriptor, block.buffer, block.offset);
    } catch (cause) {
      if (!isBusy(cause)) return cause instanceof Error ? cause.message : 'unknown';
      if (performance.now() >= giveUpAt) return 'nobody reads';
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, busyWaitMs);
    }
  }
  return undefined;
}

function isBusy(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'EAGAIN' || cause.code === 'EBUSY');
}
