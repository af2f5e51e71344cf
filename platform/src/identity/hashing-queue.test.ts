import { afterEach, describe, expect, it, vi } from 'vitest';
import { Problem } from '../kernel/index.ts';
import { createHashingQueue } from './hashing-queue.ts';

/** Work that ends when the test says so. */
function held(): { readonly work: () => Promise<string>; readonly finish: (value: string) => void; begun: boolean } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const handle = {
    begun: false,
    work: (): Promise<string> => {
      handle.begun = true;
      return promise;
    },
    finish: resolve,
  };
  return handle;
}

const overloaded = {
  code: 'hashing_overloaded',
  status: 503,
  headers: { 'retry-after': '60' },
};

afterEach(() => {
  vi.useRealTimers();
});

describe('the queue before the hasher', () => {
  it('runs so many at once, keeps so many waiting, and refuses the next one with Retry-After', async () => {
    const queue = createHashingQueue({ concurrencyMax: 2, queueMax: 1, waitMsMax: 60_000 });
    const [first, second, third] = [held(), held(), held()];
    const running = [queue.run(first.work), queue.run(second.work)];
    const waiting = queue.run(third.work);
    await expect(queue.run(() => Promise.resolve('never'))).rejects.toMatchObject(overloaded);
    expect(queue.stats).toEqual({ running: 2, waiting: 1, finished: 0, refused: 1 });
    expect(third.begun).toBe(false);
    first.finish('one');
    third.finish('three');
    expect(await waiting).toBe('three');
    second.finish('two');
    expect(await Promise.all(running)).toEqual(['one', 'two']);
    expect(queue.stats).toEqual({ running: 0, waiting: 0, finished: 3, refused: 1 });
  });

  it('starts those who wait in the order they came', async () => {
    const queue = createHashingQueue({ concurrencyMax: 1, queueMax: 10, waitMsMax: 60_000 });
    const order: number[] = [];
    const work = (place: number) => (): Promise<number> => Promise.resolve(order.push(place));
    await Promise.all([1, 2, 3, 4].map((place) => queue.run(work(place))));
    expect(order).toEqual([1, 2, 3, 4]);
  });

  it('refuses one who has waited too long, and gives its turn to nobody twice', async () => {
    const queue = createHashingQueue({ concurrencyMax: 1, queueMax: 5, waitMsMax: 5 });
    const first = held();
    const running = queue.run(first.work);
    const late = held();
    await expect(queue.run(late.work)).rejects.toBeInstanceOf(Problem);
    expect(queue.stats).toMatchObject({ running: 1, waiting: 0, refused: 1 });
    first.finish('one');
    await running;
    expect(late.begun).toBe(false);
    expect(queue.stats.running).toBe(0);
  });

  it('counts nobody as refused whose turn came in time, however long the work takes then', async () => {
    vi.useFakeTimers();
    const queue = createHashingQueue({ concurrencyMax: 1, queueMax: 1, waitMsMax: 1_000 });
    const [first, second] = [held(), held()];
    const both = [queue.run(first.work), queue.run(second.work)];
    first.finish('one');
    await both[0];
    vi.advanceTimersByTime(5_000);
    second.finish('two');
    expect(await both[1]).toBe('two');
    expect(queue.stats).toEqual({ running: 0, waiting: 0, finished: 2, refused: 0 });
  });

  it('gives the permit back when the work fails', async () => {
    const queue = createHashingQueue({ concurrencyMax: 1, queueMax: 0, waitMsMax: 60_000 });
    await expect(queue.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await queue.run(() => Promise.resolve('after'))).toBe('after');
  });
});
