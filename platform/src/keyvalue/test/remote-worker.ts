import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Health, type KeyValue, KeyValueUnavailable, type Lock, type Subscriber } from '../index.ts';
import { isTold, orderName, type Told } from './orders.ts';

type Ask = (call: string, ...args: readonly unknown[]) => Promise<unknown>;

/** A forked worker, and the key-value stores in it as if they were here. */
export class RemoteWorker {
  readonly worker: Worker;
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #subscribers = new Map<number, Subscriber>();
  readonly #watchers = new Map<number, Set<(health: Health) => void>>();
  readonly #health = new Map<number, Health>();
  #lastId = 0;
  #lastStore = 0;

  /** @param timeoutMs how long the adapters there wait for their primary, which is this process */
  constructor(timeoutMs: number) {
    const exec = fileURLToPath(new URL('cluster-worker.ts', import.meta.url));
    cluster.setupPrimary({ exec, args: [`${timeoutMs}`], execArgv: [] });
    this.worker = cluster.fork();
    this.worker.on('message', (message: unknown) => {
      if (isTold(message)) this.#hear(message);
    });
    this.worker.on('exit', () => {
      for (const answer of this.#answers.values()) answer.reject(new KeyValueUnavailable('ask', 'the worker is gone'));
    });
  }

  /** One more adapter in that process. */
  open(): KeyValue {
    const store = (this.#lastStore += 1);
    const ask: Ask = (call, ...args) => this.#ask(store, call, args);
    // The worker answers with what the method of the same name gave there.
    const forward =
      (call: string) =>
      (...args: unknown[]) =>
        ask(call, ...args) as Promise<never>;
    return {
      get: forward('get'),
      getMany: async (keys) => ((await ask('getMany', keys)) as (string | null)[]).map((text) => text ?? undefined),
      set: forward('set'),
      setIfAbsent: forward('setIfAbsent'),
      delete: forward('delete'),
      take: forward('take'),
      resetLimit: forward('resetLimit'),
      giveBack: forward('giveBack'),
      publish: forward('publish'),
      ping: forward('ping'),
      close: forward('close'),
      lock: async (key, lifetime) => lockOf(ask, await ask('lock', key, lifetime)),
      subscribe: async (channel, subscriber) => {
        const handle = this.#subscribers.size + 1;
        this.#subscribers.set(handle, subscriber);
        await ask('subscribe', channel, handle);
        return { close: () => ask('unsubscribe', handle) as Promise<never> };
      },
      watchHealth: (listener) => this.#watch(store, listener),
    };
  }

  async kill(): Promise<void> {
    if (this.worker.isDead()) return;
    const gone = once(this.worker, 'exit');
    this.worker.process.kill('SIGKILL');
    await gone;
  }

  #ask(store: number, call: string, args: readonly unknown[]): Promise<unknown> {
    const answer = Promise.withResolvers<unknown>();
    const id = (this.#lastId += 1);
    this.#answers.set(id, answer);
    this.worker.send({ [orderName]: true, id, store, call, args });
    return answer.promise;
  }

  #watch(store: number, listener: (health: Health) => void): () => void {
    const watchers = this.#watchers.get(store) ?? new Set();
    this.#watchers.set(store, watchers.add(listener));
    listener(this.#health.get(store) ?? { isUp: true });
    return () => watchers.delete(listener);
  }

  #hear(told: Told): void {
    switch (told.kind) {
      case 'done':
        this.#answers.get(told.id)?.resolve(told.value);
        break;
      case 'failed':
        this.#answers.get(told.id)?.reject(faultOf(told.name, told.text));
        break;
      case 'heard':
        this.#deliver(told.handle, told.text);
        break;
      case 'gap':
        this.#subscribers.get(told.handle)?.onGap?.();
        break;
      case 'health':
        this.#health.set(told.store, { isUp: told.isUp });
        for (const watcher of this.#watchers.get(told.store) ?? []) watcher({ isUp: told.isUp });
        break;
    }
  }

  #deliver(handle: number, text: string): void {
    try {
      this.#subscribers.get(handle)?.onMessage(text);
    } catch {
      // The listener of the test that fails on purpose fails here, one process too far away to show the guard.
    }
  }
}

function lockOf(ask: Ask, answer: unknown): Lock | undefined {
  if (answer === undefined) return undefined;
  const { handle, key, fence } = answer as { handle: number; key: string; fence: number };
  return {
    key,
    fence,
    renew: ({ ttlMs }) => ask('renew', handle, ttlMs) as Promise<boolean>,
    release: () => ask('release', handle) as Promise<boolean>,
  };
}

function faultOf(name: string, text: string): Error {
  if (name === 'RangeError') return new RangeError(text);
  return name === 'KeyValueUnavailable' ? new KeyValueUnavailable('ask', text) : new Error(text);
}
