import { execFileSync, type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, vi } from 'vitest';
import { freePort } from '../../testing/free-port.ts';

/** A Redis that a suite may run on: `describe.skipIf(redis.unreachable !== undefined)(redis.name, …)`. */
export interface RealRedis {
  readonly name: string;
  readonly url: string;
  /** Why the suite must be skipped. */
  readonly unreachable: string | undefined;
}

/** QUINTA_TEST_REDIS_URL, or the local server. Printed when absent; an error with QUINTA_TEST_REQUIRE_REAL=1. */
export async function realRedis(): Promise<RealRedis> {
  const url = process.env['QUINTA_TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379';
  const client = rawClient(url);
  let fault = 'no answer';
  client.on('error', (error) => {
    fault = error.message;
  });
  try {
    await client.connect();
    await client.ping();
    return { name: 'Redis', url, unreachable: undefined };
  } catch {
    return absent(`Redis: ${fault}`, url, 'set QUINTA_TEST_REDIS_URL');
  } finally {
    client.disconnect();
  }
}

/** Whether there is a `redis-server` to start; printed when absent, an error with QUINTA_TEST_REQUIRE_REAL=1. */
export function redisProgram(): RealRedis {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return { name: 'a Redis of its own', url: '', unreachable: undefined };
  } catch {
    return absent('no redis-server on PATH', '', 'install Redis');
  }
}

function absent(reason: string, url: string, hint: string): RealRedis {
  if (process.env['QUINTA_TEST_REQUIRE_REAL'] === '1') throw new Error(`${reason}; ${hint}`);
  process.stderr.write(`Tests on Redis are skipped: ${reason}; ${hint}.\n`);
  return { name: `Redis (skipped: ${reason})`, url, unreachable: reason };
}

/** The driver alone, to look at what the adapter left in the server. */
export function rawClient(url: string, password = ''): Redis {
  const alone = { lazyConnect: true, connectTimeout: 5_000, retryStrategy: () => null };
  const client = new Redis(url, { ...alone, ...(password !== '' && { password }) });
  client.on('error', () => undefined); // the call that failed says it
  return client;
}

/** A corner of a shared server that nobody else uses. */
export class RedisCorner {
  readonly prefix = `quinta-test-${randomUUID()}:`;
  readonly raw: Redis;

  constructor(url: string) {
    this.raw = rawClient(url);
  }

  async keys(): Promise<string[]> {
    const found: string[] = [];
    for await (const keys of this.raw.scanStream({ match: `${this.prefix}*`, count: 1_000 })) {
      found.push(...(keys as string[]));
    }
    return found;
  }

  /** Resolves when the server's clock has gone on by so much. */
  async elapse(durationMs: number): Promise<void> {
    const endMs = (await this.#nowMs()) + durationMs;
    const isOver = async (): Promise<void> => expect(await this.#nowMs()).toBeGreaterThan(endMs);
    await vi.waitFor(isOver, { timeout: durationMs + 30_000, interval: 10 });
  }

  async clear(): Promise<void> {
    const keys = await this.keys();
    if (keys.length > 0) await this.raw.del(...keys);
    this.raw.disconnect();
  }

  async #nowMs(): Promise<number> {
    const [seconds, microseconds] = await this.raw.time();
    return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
  }
}

/** A server on a port and in a folder of its own, to be paused, killed and started again. */
export class PrivateRedis {
  readonly port: number;
  readonly #folder: string;
  readonly #password: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, password: string) {
    this.port = port;
    this.#folder = folder;
    this.#password = password;
  }

  static async start(password = ''): Promise<PrivateRedis> {
    const folder = await mkdtemp(join(tmpdir(), 'quinta-redis-'));
    const server = new PrivateRedis(await freePort(), folder, password);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it with nothing in it. */
  async restart(): Promise<void> {
    const fixed = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const args = [...fixed, '--dir', this.#folder, ...(this.#password === '' ? [] : ['--requirepass', this.#password])];
    this.#process = spawn('redis-server', args, { stdio: 'ignore' });
    await vi.waitFor(() => this.#greet(), { timeout: 20_000, interval: 20 });
  }

  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (!running || running.exitCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #greet(): Promise<void> {
    const client = rawClient(this.url, this.#password);
    try {
      await client.connect();
      await client.ping();
    } finally {
      client.disconnect();
    }
  }
}
