import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Log, LogFields } from '../kernel/index.ts';
import { type BlockLimits, BlockWriter } from './block-writer.ts';
import { levelWords, type LogLevel, parseLogLevel, ranks } from './log-level.ts';
import { addPlainFields, plainText } from './plain-data.ts';
import { RollingFile } from './rolling-file.ts';

export interface LogOptions {
  /** The name of what logs, in the field `logger`. */
  readonly service: string;
  /** DEBUG, INFO, WARNING, ERROR or CRITICAL in any case: lines below it are not written. */
  readonly level: string;
  /** A folder for `<fileName>.log` and, of errors alone, `<fileName>-error.log`, beside stdout. */
  readonly directory?: string;
  /** Default: the service's name. */
  readonly fileName?: string;
  /** When a file begins anew, and how many old ones stay beside it. Default: 10 MB, 10 files. */
  readonly rotation?: { readonly bytesMax: number; readonly filesMax: number };
  /** Instead of stdout: gets each line with its line feed, at once. */
  readonly destination?: { write(line: string): void };
}

/** The log of a service, which the one who made it flushes and closes. */
export interface ServiceLog extends Log {
  /** Resolves when every line so far is written. */
  flush(): Promise<void>;
  /**
   * Flushes, and closes the files; gives up after two seconds, so that a hung disk does not hold a shutdown. Lines after
   * this go to stdout alone.
   */
  close(): Promise<void>;
  /** Lines that could not be written (disk full, reader gone, too many waiting), for a metric. */
  readonly droppedLines: number;
}

const rotationDefault = { bytesMax: 10_000_000, filesMax: 10 };
const closeWaitMs = 2000;
const fileLimits: BlockLimits = { blockBytesMax: 65_536, queueBytesMax: 16_777_216, flushMs: 100 };
/**
 * What Linux writes to a pipe in one piece (PIPE_BUF, pipe(7)). A worker shares the pipe with its siblings, and larger
 * blocks would tear each other's lines when the reader is slow; alone they would only cost more system calls.
 */
const pipeBlockBytesMax = 4096;

/**
 * One JSON line an event to stdout, and to rotated files where a directory is given. Lines leave asynchronously in
 * blocks, within 100 ms; a clean exit loses none, a SIGKILL loses what waited.
 *
 * Throws an Error for a level that is none, and for a directory that cannot be written.
 */
export function createLog(options: LogOptions): ServiceLog {
  const threshold = parseLogLevel(options.level);
  if (threshold === undefined) {
    throw new Error(`LOG_LEVEL is "${options.level}"; it must be DEBUG, INFO, WARNING, ERROR or CRITICAL`);
  }
  const files = options.directory === undefined ? [] : openFiles(options.directory, options);
  const stdout = options.destination ?? stdoutWriter();
  const writers = [...(stdout instanceof BlockWriter ? [stdout] : []), ...files.map(({ stream }) => stream)];
  const outlets: Outlet[] = [{ from: ranks.debug, stream: stdout }, ...files];
  return new LineServiceLog({ from: ranks[threshold], outlets }, { logger: options.service }, writers);
}

/** Where lines of a rank and above go. */
interface Outlet {
  readonly from: number;
  readonly stream: { write(line: string): void };
}

interface Sink {
  /** The least rank that is written. */
  readonly from: number;
  readonly outlets: readonly Outlet[];
}

interface FileOutlet extends Outlet {
  readonly stream: BlockWriter;
}

function openFiles(directory: string, options: LogOptions): FileOutlet[] {
  const name = options.fileName ?? options.service;
  const rotation = options.rotation ?? rotationDefault;
  const open = (file: string): BlockWriter =>
    new BlockWriter(new RollingFile({ path: join(directory, file), ...rotation }), fileLimits);
  return [
    { from: ranks.debug, stream: open(`${name}.log`) },
    { from: ranks.error, stream: open(`${name}-error.log`) },
  ];
}

let sharedStdout: BlockWriter | undefined;

/** The process has one stdout, whose lines must not tear each other: all its logs share one writer, never closed. */
function stdoutWriter(): BlockWriter {
  const outlet = { name: 'stdout', descriptor: 1, ready: () => Promise.resolve(1), close: () => Promise.resolve() };
  sharedStdout ??= new BlockWriter(outlet, {
    ...fileLimits,
    blockBytesMax: process.connected && isPipe(1) ? pipeBlockBytesMax : fileLimits.blockBytesMax,
  });
  return sharedStdout;
}

function isPipe(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFIFO();
  } catch {
    return false; // No such descriptor: the first write will say so.
  }
}

let stampedMs = 0;
let stamp = '';

/** Under load several lines fall into one millisecond, and the text of an instant costs as much as a third of a line. */
function isoTimestamp(): string {
  const nowMs = Date.now();
  if (nowMs !== stampedMs) {
    stampedMs = nowMs;
    stamp = `"timestamp":"${new Date(nowMs).toISOString()}"`;
  }
  return stamp;
}

/**
 * What is written is plain data by then, so a line is what JSON.stringify makes of it. A logging library would go through
 * the fields once more: it took a seventh of what a cached read costs.
 */
class LineLog implements Log {
  readonly #sink: Sink;
  readonly #bound: Readonly<Record<string, unknown>>;

  constructor(sink: Sink, bound: Readonly<Record<string, unknown>>) {
    this.#sink = sink;
    this.#bound = bound;
  }

  debug(fields: LogFields, message: string): void {
    this.#write('debug', fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#write('info', fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#write('warn', fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#write('error', fields, message);
  }

  child(fields: LogFields): Log {
    return new LineLog(this.#sink, this.#fieldsOf(fields));
  }

  #write(level: LogLevel, fields: LogFields, message: string): void {
    const rank = ranks[level];
    if (rank < this.#sink.from) return;
    const rest = JSON.stringify(this.#fieldsOf(fields)).slice(1, -1); // the logger's name at least
    const line = `{"level":"${levelWords[level]}",${isoTimestamp()},${rest},"message":${JSON.stringify(plainText(message))}}\n`;
    for (const { from, stream } of this.#sink.outlets) if (rank >= from) stream.write(line);
  }

  /** A name that a line has already gets the newer value, and stands there once. */
  #fieldsOf(fields: LogFields): Record<string, unknown> {
    const line = { ...this.#bound };
    addPlainFields(line, fields);
    return line;
  }
}

class LineServiceLog extends LineLog implements ServiceLog {
  readonly #writers: readonly BlockWriter[];

  constructor(sink: Sink, bound: Readonly<Record<string, unknown>>, writers: readonly BlockWriter[]) {
    super(sink, bound);
    this.#writers = writers;
  }

  get droppedLines(): number {
    return this.#writers.reduce((sum, writer) => sum + writer.droppedLines, 0);
  }

  async flush(): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.flush()));
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#writers.map((writer) =>
        writer === sharedStdout ? writer.flushWithin(closeWaitMs) : writer.close(closeWaitMs),
      ),
    );
  }
}
