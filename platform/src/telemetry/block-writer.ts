/**
 * Lines go out in blocks, asynchronously, one block at a time: a request never waits for a terminal, a pipe or a disk.
 *
 * A line waits until a block is full or `flushMs` have passed. What cannot be written is dropped and counted, with one
 * warning a minute to stderr: a full disk or a reader that went away must not stop a service, nor fill
 * its memory. At the end of the process what still waits is written synchronously, within `exitWaitMs`.
 *
 * The destination of pino (sonic-boom 4.2) is not used, because at exit it tries for ever to write to a full disk or a
 * closed pipe, so that the process never ends.
 */

import { write } from 'node:fs';
import { type Block, type BlockUnderWay, emptyBlock, startBlock, writeNow, writeSome } from './block.ts';

/** Where blocks go. */
export interface Outlet {
  /** What the warning calls it: "stdout", or a path. */
  readonly name: string;
  /** The descriptor for the next block, opened or rotated as need be. Rejects where that cannot be done. */
  ready(blockBytes: number): Promise<number>;
  /** The descriptor as it stands, for the last lines of a process. */
  readonly descriptor: number;
  close(): Promise<void>;
}

export interface BlockLimits {
  /** A block is written when it would grow past this; a longer line is a block of its own. */
  readonly blockBytesMax: number;
  /** What may wait in memory; lines past it are dropped. */
  readonly queueBytesMax: number;
  /** How long a line may wait for its block to fill. */
  readonly flushMs: number;
}

const exitWaitMs = 1000;
const warningGapMs = 60_000;

const openWriters = new Set<BlockWriter>();

function flushAllAtExit(): void {
  for (const writer of openWriters) writer.flushAtExit();
}

export class BlockWriter {
  readonly #outlet: Outlet;
  readonly #limits: BlockLimits;
  #queue: Block[] = [];
  #tail: Block = emptyBlock();
  #queuedBytes = 0;
  #underWay: BlockUnderWay | undefined;
  #isDraining = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  /** Lines taken, and of those the ones that were written or dropped: lines leave in the order they came. */
  #taken = 0;
  #settled = 0;
  /** Lines up to this one are written without waiting for their block to fill. */
  #wanted = 0;
  #dropped = 0;
  #nextWarningAt = 0;
  /** The last block broke off within a line, so the next must begin with a new one. */
  #isTorn = false;
  #waiting: { readonly upTo: number; readonly resolve: () => void }[] = [];

  constructor(outlet: Outlet, limits: BlockLimits) {
    this.#outlet = outlet;
    this.#limits = limits;
    if (openWriters.size === 0) process.on('exit', flushAllAtExit);
    openWriters.add(this);
  }

  /** Lines that were lost since the start. */
  get droppedLines(): number {
    return this.#dropped;
  }

  /** Takes one line, its line feed included. Never throws, never waits. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#isClosed) {
      this.#dropped += 1;
      return;
    }
    if (this.#queuedBytes + bytes > this.#limits.queueBytesMax) {
      this.#drop(1, 'too many lines wait');
      return;
    }
    if (this.#tail.lines > 0 && this.#tail.bytes + bytes > this.#limits.blockBytesMax) this.#cutTail();
    this.#tail.text += line;
    this.#tail.bytes += bytes;
    this.#tail.lines += 1;
    this.#queuedBytes += bytes;
    this.#taken += 1;
    if (this.#queue.length > 0) this.#startDraining();
    else this.#timer ??= this.#startTimer();
  }

  /** Resolves when every line taken so far has been written, or dropped. */
  async flush(): Promise<void> {
    if (this.#settled >= this.#taken) return;
    this.#wanted = this.#taken;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ upTo: this.#taken, resolve });
    this.#startDraining();
    await promise;
  }

  /** Like `flush`, but gives up after a time; resolves to whether every line was settled. */
  async flushWithin(waitMs: number): Promise<boolean> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, waitMs);
    await Promise.race([this.flush(), late.promise]);
    clearTimeout(timer);
    return this.#settled >= this.#taken;
  }

  /** Writes what waits and closes. Where writing hangs, the descriptor is left to the end of the process. */
  async close(waitMs: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!(await this.flushWithin(waitMs))) return;
    clearTimeout(this.#timer);
    openWriters.delete(this);
    if (openWriters.size === 0) process.off('exit', flushAllAtExit);
    await this.#outlet.close();
  }

  /** Synchronously, for the end of the process alone: the lines are out of order where a block is under way. */
  flushAtExit(): void {
    if (this.#tail.lines > 0) this.#cutTail();
    const rest = this.#queue.map(startBlock);
    if (this.#underWay && !this.#underWay.isHandedOver) rest.unshift(this.#underWay);
    this.#queue = [];
    const giveUpAt = performance.now() + exitWaitMs;
    for (const block of rest) {
      const failure = writeNow(this.#outlet.descriptor, block, giveUpAt);
      if (failure !== undefined) this.#drop(block.lines, failure);
    }
  }

  #startTimer(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined;
      this.#wanted = this.#taken;
      this.#startDraining();
    }, this.#limits.flushMs).unref();
  }

  #startDraining(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    void this.#drain();
  }

  async #drain(): Promise<void> {
    for (let block = this.#nextBlock(); block; block = this.#nextBlock()) {
      await this.#writeBlock(block);
      this.#queuedBytes -= block.bytes;
      this.#settled += block.lines;
      this.#wakeWaiting();
    }
    this.#isDraining = false;
    if (this.#tail.lines > 0) this.#timer ??= this.#startTimer();
  }

  #nextBlock(): Block | undefined {
    if (this.#queue.length === 0 && this.#tail.lines > 0 && this.#settled < this.#wanted) this.#cutTail();
    return this.#queue.shift();
  }

  async #writeBlock(block: Block): Promise<void> {
    const underWay = startBlock(this.#isTorn ? { ...block, text: `\n${block.text}` } : block);
    this.#underWay = underWay;
    try {
      const descriptor = await this.#outlet.ready(underWay.buffer.length);
      while (underWay.offset < underWay.buffer.length) await writeSome(descriptor, underWay);
      this.#isTorn = false;
    } catch (cause) {
      this.#isTorn ||= underWay.offset > 0;
      this.#drop(block.lines, cause instanceof Error ? cause.message : 'unknown');
    } finally {
      this.#underWay = undefined;
    }
  }

  #cutTail(): void {
    this.#queue.push(this.#tail);
    this.#tail = emptyBlock();
  }

  #wakeWaiting(): void {
    while (this.#waiting[0] && this.#waiting[0].upTo <= this.#settled) this.#waiting.shift()?.resolve();
  }

  #drop(lines: number, reason: string): void {
    this.#dropped += lines;
    const now = performance.now();
    if (now < this.#nextWarningAt) return;
    this.#nextWarningAt = now + warningGapMs;
    warnOnStderr(`log lines for ${this.#outlet.name} are being dropped (${this.#dropped} so far): ${reason}`);
  }
}

/** A warning about the log itself, which cannot go to the log. Asynchronous, and lost where stderr is gone too. */
export function warnOnStderr(sentence: string): void {
  write(2, `quinta: ${sentence}\n`, () => undefined);
}
