import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Connection } from 'rabbitmq-client';
import { freePorts } from '../../testing/free-port.ts';

/** The script itself: the one on the PATH of a Debian machine would change the user. */
const program = process.env['QUINTA_TEST_RABBITMQ_SERVER'] ?? '/usr/lib/rabbitmq/bin/rabbitmq-server';
const startTimeoutMs = 90_000;
const retries = { retryLow: 200, retryHigh: 400 };

export function hasRabbitMqProgram(): boolean {
  return existsSync(program);
}

/** Whether there is a RabbitMQ to start; printed when absent, an error with QUINTA_TEST_REQUIRE_REAL=1. */
export function rabbitMqProgram(): { readonly unreachable: string | undefined } {
  if (hasRabbitMqProgram()) return { unreachable: undefined };
  const reason = `no ${program}; set QUINTA_TEST_RABBITMQ_SERVER`;
  if (process.env['QUINTA_TEST_REQUIRE_REAL'] === '1') throw new Error(reason);
  process.stderr.write(`Tests that kill RabbitMQ are skipped: ${reason}.\n`);
  return { unreachable: reason };
}

/** A RabbitMQ with its own port, folder, node and port mapper, to be killed and started again. */
export class PrivateRabbitMq {
  readonly url: string;
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;

  private constructor(folder: string, ports: readonly number[]) {
    const [port = 0, epmdPort = 0, distributionPort = 0] = ports;
    this.#folder = folder;
    this.url = `amqp://guest:guest@127.0.0.1:${port}`;
    this.#environment = {
      PATH: process.env['PATH'],
      HOME: folder,
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: `q${randomBytes(4).toString('hex')}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_MNESIA_BASE: path.join(folder, 'data'),
      RABBITMQ_LOG_BASE: path.join(folder, 'log'),
      RABBITMQ_ENABLED_PLUGINS_FILE: path.join(folder, 'plugins'),
      RABBITMQ_PID_FILE: path.join(folder, 'pid'),
      RABBITMQ_CONFIG_FILE: path.join(folder, 'none'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    };
  }

  static async start(): Promise<PrivateRabbitMq> {
    const server = await PrivateRabbitMq.prepare();
    await server.start();
    return server;
  }

  /** Its folder and ports; nothing runs yet. */
  static async prepare(): Promise<PrivateRabbitMq> {
    const folder = await mkdtemp(path.join(tmpdir(), 'quinta-rabbitmq-'));
    return new PrivateRabbitMq(folder, await freePorts(3));
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  async start(): Promise<void> {
    // In a group of its own, so that the virtual machine behind the script is ended with it.
    this.#child = spawn(program, [], { env: this.#environment, stdio: 'ignore', detached: true });
    await this.untilAnswers();
  }

  /** Resolves when it lets us in (the driver tries again by itself); rejects where it ends before. */
  async untilAnswers(): Promise<void> {
    const child = this.#child;
    if (!child || hasEnded(child)) throw new Error('RabbitMQ does not run');
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('RabbitMQ was ended before it answered')));
    const connection = new Connection({ url: this.url, acquireTimeout: startTimeoutMs, ...retries });
    connection.on('error', () => undefined); // it is down, or still starting
    try {
      const channel = await Promise.race([connection.acquire(), ended]);
      await channel.close();
    } finally {
      await connection.close();
    }
  }

  /** Stops the server in its tracks: connections stay, and nobody answers. */
  suspend(): void {
    this.#signal('SIGSTOP');
  }

  resume(): void {
    this.#signal('SIGCONT');
  }

  /** As if the power of the server alone had gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined || hasEnded(child)) return;
    const ended = once(child, 'exit');
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }

  /** For the end of our own process, when nothing can be waited for any more. */
  endNow(): void {
    const child = this.#child;
    if (child?.pid !== undefined && !hasEnded(child)) process.kill(-child.pid, 'SIGKILL');
    this.#endPortMapper();
  }

  async remove(): Promise<void> {
    await this.kill();
    this.#endPortMapper();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    const child = this.#child;
    if (child?.pid !== undefined && !hasEnded(child)) process.kill(-child.pid, name);
  }

  /** The port mapper is a daemon in no group of ours: it is known by the environment that we gave it. */
  #endPortMapper(): void {
    const mark = `ERL_EPMD_PORT=${this.#environment['ERL_EPMD_PORT']}`;
    for (const pid of portMappers()) {
      if (environmentOf(pid).split('\0').includes(mark)) process.kill(Number(pid), 'SIGTERM');
    }
  }
}

function portMappers(): readonly string[] {
  const { stdout } = spawnSync('pgrep', ['-x', 'epmd'], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean);
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return ''; // it has ended since, or is somebody else's
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
