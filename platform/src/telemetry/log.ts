import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import { multistream, pino, type Logger, type StreamEntry } from 'pino';
import type { Log, LogFields } from '../kernel/index.ts';
import { type BlockLimits, BlockWriter } from './block-writer.ts';
import { type LogLevel, levelWords, type LogThreshold, parseLogLevel } from './log-level.ts';
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
  const streams: StreamEntry[] = [{ level: 'trace', stream: stdout }, ...files];
  const sink = pino(pinoOptions(threshold), multistream(streams));
  return new PinoServiceLog(sink, { logger: options.service }, writers);
}

function pinoOptions(threshold: LogThreshold): pino.LoggerOptions {
  return {
    base: null,
    level: threshold,
    messageKey: 'message',
    timestamp: isoTimestamp,
    formatters: { level: (label) => ({ level: levelWords[label] ?? label }) },
  };
}

interface FileEntry {
  readonly level: 'trace' | 'error';
  readonly stream: BlockWriter;
}

function openFiles(directory: string, options: LogOptions): FileEntry[] {
  const name = options.fileName ?? options.service;
  const rotation = options.rotation ?? rotationDefault;
  const open = (file: string): BlockWriter =>
    new BlockWriter(new RollingFile({ path: join(directory, file), ...rotation }), fileLimits);
  return [
    { level: 'trace', stream: open(`${name}.log`) },
    { level: 'error', stream: open(`${name}-error.log`) },
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
    stamp = `,"timestamp":"${new Date(nowMs).toISOString()}"`;
  }
  return stamp;
}

/** Fields are merged here and not by pino's children, which would write a name twice where a line has it again. */
class PinoLog implements Log {
  protected readonly sink: Logger;
  readonly #bound: Readonly<Record<string, unknown>>;

  constructor(sink: Logger, bound: Readonly<Record<string, unknown>>) {
    this.sink = sink;
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
    return new PinoLog(this.sink, this.#line(fields));
  }

  #write(level: LogLevel, fields: LogFields, message: string): void {
    if (this.sink.isLevelEnabled(level)) this.sink[level](this.#line(fields), plainText(message));
  }

  #line(fields: LogFields): Record<string, unknown> {
    const line = { ...this.#bound };
    addPlainFields(line, fields);
    return line;
  }
}

class PinoServiceLog extends PinoLog implements ServiceLog {
  readonly #writers: readonly BlockWriter[];

  constructor(sink: Logger, bound: Readonly<Record<string, unknown>>, writers: readonly BlockWriter[]) {
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
