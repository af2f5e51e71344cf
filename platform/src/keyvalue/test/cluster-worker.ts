/**
 * A worker of node:cluster that holds real `clusterKeyValue` adapters and does with them what the test's process tells
 * it, by messages of its own beside those of the adapters.
 */
import { clusterKeyValue, type KeyValue, type Lock, type Subscription } from '../index.ts';
import { isOrder, type Order, orderName, type Told } from './orders.ts';

type Call = (...args: never[]) => Promise<unknown>;

const stores = new Map<number, Record<string, Call>>();
const locks = new Map<number, Lock>();
const subscriptions = new Map<number, Subscription>();
let lastLock = 0;

process.on('message', (message: unknown) => {
  if (isOrder(message)) void obey(message);
});

async function obey({ id, store, call, args }: Order): Promise<void> {
  try {
    const calls = stores.get(store) ?? openStore(store);
    const value = await calls[call]?.(...(args as never[]));
    tell({ kind: 'done', id, value });
  } catch (error) {
    const fault = error instanceof Error ? error : new Error('no error was thrown');
    tell({ kind: 'failed', id, name: fault.name, text: fault.message });
  }
}

function openStore(number: number): Record<string, Call> {
  const store = clusterKeyValue({ timeoutMs: Number(process.argv[2]) });
  store.watchHealth(({ isUp }) => tell({ kind: 'health', store: number, isUp }));
  const calls = { ...plainCalls(store), ...callsWithHandles(store) };
  stores.set(number, calls);
  return calls;
}

function plainCalls(store: KeyValue): Record<string, Call> {
  return {
    get: async (...args: Parameters<KeyValue['get']>) => store.get(...args),
    getMany: async (...args: Parameters<KeyValue['getMany']>) => store.getMany(...args),
    set: async (...args: Parameters<KeyValue['set']>) => store.set(...args),
    setIfAbsent: async (...args: Parameters<KeyValue['setIfAbsent']>) => store.setIfAbsent(...args),
    delete: async (...args: Parameters<KeyValue['delete']>) => store.delete(...args),
    take: async (...args: Parameters<KeyValue['take']>) => store.take(...args),
    resetLimit: async (...args: Parameters<KeyValue['resetLimit']>) => store.resetLimit(...args),
    giveBack: async (...args: Parameters<KeyValue['giveBack']>) => store.giveBack(...args),
    publish: async (...args: Parameters<KeyValue['publish']>) => store.publish(...args),
    ping: async () => store.ping(),
    close: async () => store.close(),
  };
}

function callsWithHandles(store: KeyValue): Record<string, Call> {
  return {
    async lock(...args: Parameters<KeyValue['lock']>) {
      const lock = await store.lock(...args);
      if (!lock) return undefined;
      locks.set((lastLock += 1), lock);
      return { handle: lastLock, key: lock.key, fence: lock.fence };
    },
    renew: async (handle: number, ttlMs: number) => locks.get(handle)?.renew({ ttlMs }),
    release: async (handle: number) => locks.get(handle)?.release(),
    async subscribe(channel: string, handle: number) {
      const subscriber = {
        onMessage: (text: string) => tell({ kind: 'heard', handle, text }),
        onGap: () => tell({ kind: 'gap', handle }),
      };
      subscriptions.set(handle, await store.subscribe(channel, subscriber));
    },
    unsubscribe: async (handle: number) => subscriptions.get(handle)?.close(),
  };
}

function tell(told: Told): void {
  process.send?.({ [orderName]: true, ...told });
}
