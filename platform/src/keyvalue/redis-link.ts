import type { Log } from '../kernel/index.ts';
import { KeyValueUnavailable } from './contract.ts';
import type { HealthWatch } from './health.ts';
import type { RedisScript } from './redis-scripts.ts';
import { within } from './within.ts';

/** What we use of the driver's client; `redis.ts` alone knows the driver. */
export interface RedisClient {
  connect(): Promise<void>;
  disconnect(reconnect?: boolean): void;
  on(event: string, listener: (...args: never[]) => void): unknown;
  ping(): Promise<unknown>;
  time(): Promise<unknown>;
  mget(keys: string[]): Promise<(string | null)[]>;
  evalsha(sha1: string, keyCount: number, ...args: (string | number)[]): Promise<unknown>;
  eval(text: string, keyCount: number, ...args: (string | number)[]): Promise<unknown>;
}

export interface LinkOptions {
  readonly client: RedisClient;
  readonly health: HealthWatch;
  readonly log: Log;
  readonly timeoutMs: number;
  /** The fault's text without secrets. */
  readonly describe: (error: unknown) => string;
}

/**
 * One connection that decides in time. States: *connecting* for the first time: calls wait for it, within their time
 * limit. *Ready*: calls are sent. *Stalled*: one call got no answer in time, so nothing more is sent until some answer
 * comes, and a server that was paused finds no heap of commands when it goes on. *Down*: calls are refused at once
 * while the driver reconnects for ever. The driver gives up on an answer after its own, longer limit; then the
 * connection is thrown away.
 */
export class RedisLink {
  readonly #options: LinkOptions;
  readonly #firstAttempt = Promise.withResolvers<void>();
  #connection = 0;
  #isReady = false;
  #isStalled = false;
  #isGivenUp = false;
  #hasWarned = false;
  #isClosed = false;
  #answeredMs = -Infinity;
  /** The server's clock minus our monotonic one, in microseconds; asked before anything else is sent. */
  #clockOffsetUs = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { client } = options;
    client.on('ready', () => void this.#onConnected());
    client.on('close', () => this.#onClose(options.health.current.reason ?? 'the connection was lost'));
    client.on('error', (error: unknown) => this.#onDown(options.describe(error)));
    client.connect().catch(() => undefined); // what failed was emitted, and the driver tries again
  }

  /** Sends a command that changes nothing. */
  async read<T>(operation: string, command: (client: RedisClient) => Promise<T>): Promise<T> {
    return this.#inTime(operation, command);
  }

  /** Runs a write script; resolves to its reply behind `{1, now, …}`. */
  async write(
    operation: string,
    script: RedisScript,
    key: string,
    args: readonly (string | number)[],
  ): Promise<unknown[]> {
    const endsAtUs = nowUs() + this.#options.timeoutMs * 1_000;
    const run = async (client: RedisClient): Promise<unknown[]> => {
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        const deadlineUs = this.#clockOffsetUs + endsAtUs;
        const reply = await evaluate(client, script, { endsAtUs, args: [key, Math.round(deadlineUs), ...args] });
        if (!reply) break;
        const isDone = reply[0] === 1;
        this.#learnClock(Number(reply[1]), isDone);
        if (isDone) return reply.slice(2);
        // Refused as late although we still wait: its clock was put forward, which the reply has told us.
        if (nowUs() > endsAtUs) break;
      }
      throw new KeyValueUnavailable(operation, 'the command came too late');
    };
    return this.#inTime(operation, run);
  }

  /** Whether nothing was answered for so long. */
  isQuiet(sinceMs: number): boolean {
    return performance.now() - this.#answeredMs >= sinceMs;
  }

  close(): void {
    this.#isClosed = true;
    this.#firstAttempt.resolve();
    this.#options.client.disconnect();
  }

  async #inTime<T>(operation: string, command: (client: RedisClient) => Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options;
    const call: Call = { operation, startMs: performance.now(), sentOn: undefined };
    const late = (): Error => {
      // Before the caller hears of it, so that what the caller does next is not sent any more.
      this.#onLate(call.sentOn);
      return new KeyValueUnavailable(operation, `no answer within ${timeoutMs} ms`);
    };
    return within(this.#send(call, command), timeoutMs, late);
  }

  async #send<T>(call: Call, command: (client: RedisClient) => Promise<T>): Promise<T> {
    const { client, health, describe, timeoutMs } = this.#options;
    await this.#firstAttempt.promise;
    // Whoever waited too long has been refused, and must not be served all the same.
    if (!this.#isReady || performance.now() - call.startMs >= timeoutMs) {
      throw new KeyValueUnavailable(call.operation, health.current.reason ?? 'it is not connected');
    }
    if (this.#isStalled) throw new KeyValueUnavailable(call.operation, 'it does not answer');
    const connection = this.#connection;
    call.sentOn = connection;
    try {
      const answer = await command(client);
      this.#onAnswer(connection);
      return answer;
    } catch (error) {
      this.#onFault(error, connection);
      throw error instanceof KeyValueUnavailable ? error : new KeyValueUnavailable(call.operation, describe(error));
    }
  }

  async #onConnected(): Promise<void> {
    const { client, health, log } = this.#options;
    const connection = (this.#connection += 1);
    this.#isStalled = false;
    this.#isGivenUp = false;
    const time = await client.time().catch(() => undefined);
    if (connection !== this.#connection) return;
    if (time === undefined) {
      this.#giveUp();
      return;
    }
    this.#learnClock(serverUs(time), false);
    this.#isReady = true;
    health.report({ isUp: true });
    if (this.#hasWarned) log.info({}, 'The key-value store is back');
    this.#hasWarned = false;
    this.#firstAttempt.resolve();
  }

  #onClose(reason: string): void {
    this.#connection += 1;
    this.#isReady = false;
    this.#onDown(reason);
  }

  #onDown(reason: string): void {
    this.#firstAttempt.resolve();
    if (this.#isClosed) return;
    this.#options.health.report({ isUp: false, reason });
    if (!this.#hasWarned) this.#options.log.warn({ reason }, 'The key-value store is unreachable');
    this.#hasWarned = true;
  }

  #onLate(connection: number | undefined): void {
    if (connection !== this.#connection) return;
    this.#isStalled = true;
    this.#onDown('it does not answer');
  }

  #onAnswer(connection: number): void {
    this.#answeredMs = performance.now();
    if (connection !== this.#connection || !this.#isStalled) return;
    this.#isStalled = false;
    this.#options.health.report({ isUp: true });
    this.#options.log.info({}, 'The key-value store answers again');
    this.#hasWarned = false;
  }

  #onFault(error: unknown, connection: number): void {
    if (connection !== this.#connection) return;
    // A refusal is an answer too. A lost connection speaks for itself by its own event.
    if (error instanceof KeyValueUnavailable || isErrorReply(error)) this.#onAnswer(connection);
    else if (isDriverTimeout(error)) this.#giveUp();
  }

  /** Once a connection, however many calls were waiting on it. */
  #giveUp(): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#options.client.disconnect(true);
  }

  /** An answer's time is at most the server's present one, so of several estimates the largest is the best. */
  #learnClock(serverNowUs: number, isDone: boolean): void {
    const offsetUs = serverNowUs - nowUs();
    if (!Number.isFinite(offsetUs)) return;
    this.#clockOffsetUs = isDone ? Math.max(offsetUs, this.#clockOffsetUs) : offsetUs;
  }
}

interface Call {
  readonly operation: string;
  readonly startMs: number;
  /** The number of the connection, once it went out. */
  sentOn: number | undefined;
}

interface Evaluation {
  readonly endsAtUs: number;
  readonly args: readonly (string | number)[];
}

/** By its hash, or whole where the server does not know it. Undefined when that came out only after our time. */
async function evaluate(client: RedisClient, script: RedisScript, run: Evaluation): Promise<unknown[] | undefined> {
  const reply: unknown = await client.evalsha(script.sha1, 1, ...run.args).catch((error: unknown) => {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return nowUs() > run.endsAtUs ? undefined : client.eval(script.text, 1, ...run.args);
  });
  if (reply !== undefined && !isList(reply)) throw new TypeError('the script gave no list');
  return reply;
}

function isList(reply: unknown): reply is unknown[] {
  return Array.isArray(reply);
}

function serverUs(time: unknown): number {
  return Array.isArray(time) ? Number(time[0]) * 1_000_000 + Number(time[1]) : Number.NaN;
}

function nowUs(): number {
  return performance.now() * 1_000;
}

function isDriverTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}

function isErrorReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
