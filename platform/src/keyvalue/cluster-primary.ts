import cluster, { type Worker } from 'node:cluster';
import type { Backend, ServableKeyValue } from './backend.ts';
import { type CallMessage, type DownMessage, isCall, machineNowMs, protocolName } from './cluster-protocol.ts';

/** So many messages may wait for a worker that does not read; the next ones are dropped and the gap is told. */
const waitingMax = 10_000;
const channelsPerWorkerMax = 10_000;

/**
 * Serves the primary's store to all workers of this cluster, present and later ones. A worker that dies takes its
 * subscriptions along; its locks end by their own time. Returns what ends the service.
 */
export function serveKeyValue(store: ServableKeyValue): () => void {
  const links = new Map<number, WorkerLink>();
  const onMessage = (worker: Worker, message: unknown): void => {
    // A dead worker's last words can arrive after it left; a link made for them would never be cleaned up.
    if (!isCall(message) || !worker.isConnected()) return;
    const link = links.get(worker.id) ?? new WorkerLink(worker, store.backend);
    links.set(worker.id, link);
    void link.handle(message);
  };
  const onGone = (worker: Worker): void => {
    links.get(worker.id)?.close();
    links.delete(worker.id);
  };
  cluster.on('message', onMessage);
  cluster.on('disconnect', onGone);
  cluster.on('exit', onGone);
  return () => {
    cluster.off('message', onMessage);
    cluster.off('disconnect', onGone);
    cluster.off('exit', onGone);
    for (const link of links.values()) link.close();
  };
}

class WorkerLink {
  readonly #worker: Worker;
  readonly #backend: Backend;
  readonly #unsubscribers = new Map<string, () => Promise<void>>();
  #waiting = 0;
  #hasGap = false;
  #isClosed = false;

  constructor(worker: Worker, backend: Backend) {
    this.#worker = worker;
    this.#backend = backend;
  }

  async handle(call: CallMessage): Promise<void> {
    const { id, link } = call;
    try {
      // Nobody waits for it any more; but the answer tells the worker that this process runs again.
      if (machineNowMs() > call.endsAtMs) throw new Error('the call came too late');
      const value = await this.#perform(call);
      this.#send({ quinta: protocolName, kind: 'reply', link, id, value });
    } catch (error) {
      const fault = error instanceof Error ? error.message : 'it failed';
      this.#send({ quinta: protocolName, kind: 'reply', link, id, fault });
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const unsubscribe of this.#unsubscribers.values()) void unsubscribe();
    this.#unsubscribers.clear();
  }

  async #perform({ link, operation, args }: CallMessage): Promise<unknown> {
    if (operation === 'subscribe') return this.#subscribe(link, String(args[0]));
    if (operation === 'unsubscribe') return this.#unsubscribe(link, String(args[0]));
    const { operations } = this.#backend;
    if (!Object.hasOwn(operations, operation)) throw new Error('the primary does not know that call');
    // The worker's typed adapter made the arguments, and it runs the same release as the primary.
    const perform = operations[operation] as (...values: readonly unknown[]) => Promise<unknown>;
    return perform(...args);
  }

  async #subscribe(link: number, channel: string): Promise<void> {
    const place = `${link}:${channel}`;
    if (this.#unsubscribers.has(place)) return;
    if (this.#unsubscribers.size >= channelsPerWorkerMax) throw new Error('too many channels');
    const subscribed = this.#backend.subscribe(channel, { onMessage: (message) => this.#push(link, channel, message) });
    this.#unsubscribers.set(place, async () => (await subscribed)());
    await subscribed;
  }

  async #unsubscribe(link: number, channel: string): Promise<void> {
    const place = `${link}:${channel}`;
    const unsubscribe = this.#unsubscribers.get(place);
    this.#unsubscribers.delete(place);
    await unsubscribe?.();
  }

  #push(link: number, channel: string, message: string): void {
    if (this.#waiting >= waitingMax) this.#hasGap = true;
    else this.#send({ quinta: protocolName, kind: 'push', link, channel, message });
  }

  #send(message: DownMessage): void {
    if (this.#isClosed || !this.#worker.isConnected()) return;
    this.#waiting += 1;
    this.#worker.process.send(message, undefined, undefined, () => {
      // An error here means that the worker died meanwhile, and its end cleans up.
      this.#waiting -= 1;
      if (!this.#hasGap || this.#waiting > 0) return;
      this.#hasGap = false;
      this.#send({ quinta: protocolName, kind: 'gap', link: 'all' });
    });
  }
}
