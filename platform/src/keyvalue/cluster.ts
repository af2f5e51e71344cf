import { type Log, silentLog } from '../kernel/index.ts';
import { type Backend, keyValueOver, type Operations } from './backend.ts';
import {
  type CallMessage,
  type CallName,
  isDown,
  machineNowMs,
  protocolName,
  type ReplyMessage,
} from './cluster-protocol.ts';
import { answerTimeoutMs, type KeyValue, KeyValueUnavailable, type Subscriber } from './contract.ts';
import { HealthWatch } from './health.ts';
import { Subscribers } from './subscribers.ts';
import { within } from './within.ts';

export interface ClusterOptions {
  readonly log?: Log;
  /** How long to wait for the primary; default 90. */
  readonly timeoutMs?: number;
}

/** So many calls may be under way at once; the next one is refused at once. */
const underWayMax = 10_000;
const probeEveryMs = 250;
/** How many adapters this process has made; each answers to its number. */
let links = 0;

/**
 * In a worker of node:cluster: the store of the primary, which must have called `serveKeyValue`. Throws where there
 * is no primary to ask.
 */
export function clusterKeyValue(options: ClusterOptions = {}): KeyValue {
  if (process.send === undefined) throw new Error('clusterKeyValue needs a primary process to talk to');
  const link = new PrimaryLink(options);
  const call =
    <Name extends keyof Operations>(name: Name) =>
    (...args: Parameters<Operations[Name]>) =>
      // The primary answers with what its own `Operations` returned, so the type is that one's.
      link.call(name, args) as ReturnType<Operations[Name]>;
  const operations: Operations = {
    getMany: call('getMany'),
    set: call('set'),
    setIfAbsent: call('setIfAbsent'),
    delete: call('delete'),
    take: call('take'),
    resetLimit: call('resetLimit'),
    giveBack: call('giveBack'),
    acquire: call('acquire'),
    renew: call('renew'),
    release: call('release'),
    publish: call('publish'),
    ping: call('ping'),
  };
  const backend: Backend = {
    operations,
    health: link.health,
    subscribe: (channel, subscriber) => link.subscribe(channel, subscriber),
    close: () => link.close(),
  };
  return keyValueOver(backend);
}

class PrimaryLink {
  readonly health = new HealthWatch({ isUp: true });
  readonly #link = (links += 1);
  readonly #timeoutMs: number;
  readonly #log: Log;
  readonly #subscribers: Subscribers;
  readonly #underWay = new Map<number, (reply: ReplyMessage) => void>();
  readonly #unheard = new Set<string>();
  #nextId = 1;
  #probe: NodeJS.Timeout | undefined;

  constructor(options: ClusterOptions) {
    this.#timeoutMs = options.timeoutMs ?? answerTimeoutMs;
    this.#log = options.log ?? silentLog;
    this.#subscribers = new Subscribers(this.#log);
    process.on('message', this.#onMessage);
    process.on('disconnect', this.#onDisconnect);
  }

  /** While the primary does not answer, calls are refused at once and only a probe goes out, so nothing piles up. */
  async call(operation: CallName, args: readonly unknown[]): Promise<unknown> {
    const { isUp, reason = 'it is down' } = this.health.current;
    if (!isUp) throw new KeyValueUnavailable(operation, reason);
    return this.#call(operation, args);
  }

  async #call(operation: CallName, args: readonly unknown[]): Promise<unknown> {
    if (this.#underWay.size >= underWayMax) throw new KeyValueUnavailable(operation, 'too many calls are under way');
    const id = this.#nextId;
    this.#nextId += 1;
    const late = (): Error => this.#down(operation, `no answer within ${this.#timeoutMs} ms`);
    try {
      const reply = await within(this.#ask(id, operation, args), this.#timeoutMs, late);
      if (reply.fault !== undefined) throw new KeyValueUnavailable(operation, reply.fault);
      return reply.value;
    } finally {
      this.#underWay.delete(id);
    }
  }

  async subscribe(channel: string, subscriber: Subscriber): Promise<() => Promise<void>> {
    const own: Subscriber = {
      onMessage: (message) => subscriber.onMessage(message),
      onGap: () => subscriber.onGap?.(),
    };
    this.#subscribers.add(channel, own);
    // Each new subscriber says so to the primary, for whom a channel it already sends is nothing new: that way none
    // resolves before messages flow.
    if (!(await this.#listen(channel))) this.#unheard.add(channel);
    return async () => {
      if (!this.#subscribers.remove(channel, own)) return;
      this.#unheard.delete(channel);
      // A primary that misses this goes on sending what nobody here hears.
      await this.call('unsubscribe', [channel]).catch(() => undefined);
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#probe);
    const { channels } = this.#subscribers;
    this.#subscribers.clear();
    await Promise.allSettled(channels.map((channel) => this.call('unsubscribe', [channel])));
    process.off('message', this.#onMessage);
    process.off('disconnect', this.#onDisconnect);
    this.health.close();
  }

  #ask(id: number, operation: CallName, args: readonly unknown[]): Promise<ReplyMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<ReplyMessage>();
    this.#underWay.set(id, resolve);
    const endsAtMs = machineNowMs() + this.#timeoutMs;
    const call: CallMessage = { quinta: protocolName, kind: 'call', link: this.#link, id, operation, args, endsAtMs };
    if (!process.connected) reject(this.#down(operation, 'the primary is gone'));
    else {
      process.send?.(call, undefined, undefined, (error) => {
        if (error) reject(this.#down(operation, 'the primary is gone'));
      });
    }
    return promise;
  }

  async #listen(channel: string): Promise<boolean> {
    try {
      await this.call('subscribe', [channel]);
      return true;
    } catch (error) {
      this.#log.warn({ channel, err: error }, 'A subscription waits for the key-value store');
      return false; // tried again when the primary answers
    }
  }

  #down(operation: CallName, reason: string): KeyValueUnavailable {
    if (this.health.report({ isUp: false, reason }) && process.connected) {
      const probe = (): void => void this.#call('ping', []).catch(() => undefined);
      this.#probe = setInterval(probe, probeEveryMs).unref();
    }
    return new KeyValueUnavailable(operation, reason);
  }

  /** Any answer, even a late one, proves that the primary lives. */
  #up(): void {
    if (!this.health.report({ isUp: true })) return;
    clearInterval(this.#probe);
    const unheard = [...this.#unheard];
    this.#unheard.clear();
    for (const channel of unheard) void this.#listenLate(channel);
  }

  async #listenLate(channel: string): Promise<void> {
    const isHeard = await this.#listen(channel);
    if (!isHeard) this.#unheard.add(channel);
    else if (this.#subscribers.has(channel)) this.#subscribers.gap([channel]);
    else await this.call('unsubscribe', [channel]).catch(() => undefined);
  }

  readonly #onMessage = (message: unknown): void => {
    if (!isDown(message) || (message.link !== this.#link && message.link !== 'all')) return;
    if (message.kind === 'reply') {
      this.#underWay.get(message.id)?.(message);
      this.#up();
    } else if (message.kind === 'push') this.#subscribers.deliver(message.channel, message.message);
    else this.#subscribers.gap();
  };

  readonly #onDisconnect = (): void => {
    clearInterval(this.#probe);
    this.health.report({ isUp: false, reason: 'the primary is gone' });
  };
}
