import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What the test's process tells a worker; beside them run the messages of the key-value store. */
export interface Order {
  readonly routedOrder: number;
  readonly verb: 'write' | 'read';
  readonly caller: string;
  readonly value: number;
}

export interface Told {
  readonly routedAnswer: number;
  readonly value?: number;
  readonly replica?: boolean;
  readonly fault?: string;
}

export function isOrder(message: unknown): message is Order {
  return typeof message === 'object' && message !== null && 'routedOrder' in message;
}

function isTold(message: unknown): message is Told {
  return typeof message === 'object' && message !== null && 'routedAnswer' in message;
}

/** A process that routes reads, with the store of the cluster whose primary this process is. */
export class RoutedProcess {
  readonly #worker: Worker;
  readonly #answers = new Map<number, PromiseWithResolvers<Told>>();
  #lastOrder = 0;

  constructor(primaryUrl: string, replicaUrl: string) {
    const exec = fileURLToPath(new URL('routed-process.ts', import.meta.url));
    cluster.setupPrimary({ exec, args: [primaryUrl, replicaUrl], execArgv: [] });
    this.#worker = cluster.fork();
    this.#worker.on('message', (message: unknown) => {
      if (isTold(message)) this.#answers.get(message.routedAnswer)?.resolve(message);
    });
    this.#worker.on('exit', () => {
      for (const answer of this.#answers.values()) answer.reject(new Error('the process has ended'));
    });
  }

  async write(caller: string, value: number): Promise<void> {
    await this.#ask('write', caller, value);
  }

  read(caller: string): Promise<Told> {
    return this.#ask('read', caller, 0);
  }

  async kill(): Promise<void> {
    if (this.#worker.isDead()) return;
    const gone = once(this.#worker, 'exit');
    this.#worker.process.kill('SIGKILL');
    await gone;
  }

  async #ask(verb: Order['verb'], caller: string, value: number): Promise<Told> {
    const routedOrder = (this.#lastOrder += 1);
    const answer = Promise.withResolvers<Told>();
    this.#answers.set(routedOrder, answer);
    this.#worker.send({ routedOrder, verb, caller, value } satisfies Order);
    const told = await answer.promise;
    this.#answers.delete(routedOrder);
    if (told.fault !== undefined) throw new Error(told.fault);
    return told;
  }
}
