import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCoalescer, type SetObservation } from './coalescer.ts';
import { databaseUnavailable } from './faults.ts';

/** A ledger in memory: what a table with a unique key and a rule would do, whole sets at a time. */
interface Draw {
  readonly key: number;
  readonly amount: number;
}

type Drawn = 'drawn' | 'repeated' | 'refused';

const poison = 13;
const limit = 100;

/** Applies a set to a ledger as one statement: all of it, or, with a poisoned command, nothing. */
function applySet(ledger: Map<number, number>, draws: readonly Draw[]): Drawn[] {
  if (draws.some(({ key }) => key === poison)) throw new Error('the statement raised');
  return draws.map(({ key, amount }) => {
    if (ledger.has(key)) return 'repeated';
    if (amount > limit) return 'refused';
    ledger.set(key, amount);
    return 'drawn';
  });
}

const draws = fc.array(fc.record({ key: fc.integer({ min: 0, max: 20 }), amount: fc.integer({ min: 1, max: 120 }) }), {
  maxLength: 60,
});

test('sets do what the same commands do one by one, under any interleaving, with duplicates and poison', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), draws, fc.integer({ min: 1, max: 9 }), async (scheduler, commands, setMax) => {
      const together = new Map<number, number>();
      const coalescer = createCoalescer<Draw, Drawn>({
        operation: 'test',
        setMax,
        run: (set) => scheduler.schedule(Promise.resolve()).then(() => applySet(together, set)),
      });
      const answers = Promise.all(commands.map((draw) => coalescer.submit(draw).catch(() => 'failed' as const)));
      const settled = await scheduler.waitFor(answers);

      const alone = new Map<number, number>();
      const expected = commands.map((draw) => (draw.key === poison ? 'failed' : applySet(alone, [draw])[0]));
      expect(settled).toEqual(expected);
      expect(together).toEqual(alone);
    }),
  );
});

test('a lone command is sent at once, alone', async () => {
  const sizes: number[] = [];
  const coalescer = createCoalescer<number, number>({
    operation: 'test',
    run: (set) => {
      sizes.push(set.length);
      return Promise.resolve(set);
    },
  });
  const answer = coalescer.submit(1);
  expect(sizes).toEqual([1]);
  expect(await answer).toBe(1);
});

test('half of those that wait and of those that were answered are the next set', async () => {
  const sets: number[][] = [];
  const waiting: (() => void)[] = [];
  const coalescer = createCoalescer<number, number>({
    operation: 'test',
    run: async (set) => {
      sets.push([...set]);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return set;
    },
  });
  const answered = (): void => waiting.shift()?.();
  // 64 clients that wait for each answer and then ask again.
  let asked = 0;
  const client = async (): Promise<void> => {
    while (asked < 400) {
      asked += 1;
      await coalescer.submit(asked);
      // The answer travels, and so does the next request.
      await setImmediate();
    }
  };
  const clients = Promise.all(Array.from({ length: 64 }, client));
  while (coalescer.waiting > 0 || waiting.length > 0) {
    answered();
    // Longer than the way of an answer and of the next request.
    await setImmediate();
    await setImmediate();
  }
  await clients;
  const sizes = sets.map((set) => set.length);
  expect(sets.flat()).toEqual(Array.from({ length: asked }, (_, place) => place + 1));
  expect(sizes.slice(0, 8)).toEqual([1, 32, 32, 32, 32, 32, 32, 32]);
});

test('what waits while a set runs is the next set, in order, at most setMax', async () => {
  const gate = Promise.withResolvers<void>();
  const sets: number[][] = [];
  const observed: SetObservation[] = [];
  const coalescer = createCoalescer<number, number>({
    operation: 'test',
    takes: 'all',
    setMax: 3,
    observe: (set) => observed.push(set),
    run: async (set) => {
      sets.push([...set]);
      await gate.promise;
      return set;
    },
  });
  const answers = [1, 2, 3, 4, 5].map((command) => coalescer.submit(command));
  expect(coalescer.waiting).toBe(4);
  gate.resolve();
  expect(await Promise.all(answers)).toEqual([1, 2, 3, 4, 5]);
  await coalescer.idle();
  expect(sets).toEqual([[1], [2, 3, 4], [5]]);
  expect(observed.map(({ size }) => size)).toEqual([1, 3, 1]);
});

test('a full queue refuses the next command with 503 and takes it later', async () => {
  const gate = Promise.withResolvers<void>();
  const coalescer = createCoalescer<number, number>({
    operation: 'test',
    queueMax: 2,
    run: async (set) => {
      await gate.promise;
      return set;
    },
  });
  const taken = [1, 2, 3].map((command) => coalescer.submit(command));
  await expect(coalescer.submit(4)).rejects.toMatchObject({ code: 'too_busy', status: 503 });
  gate.resolve();
  expect(await Promise.all(taken)).toEqual([1, 2, 3]);
  expect(await coalescer.submit(5)).toBe(5);
});

test('a command that its client abandoned before it was sent is never sent', async () => {
  const gate = Promise.withResolvers<void>();
  const sent: number[] = [];
  const coalescer = createCoalescer<number, number>({
    operation: 'test',
    run: async (set) => {
      sent.push(...set);
      await gate.promise;
      return set;
    },
  });
  const gone = new AbortController();
  const first = coalescer.submit(1);
  const abandoned = coalescer.submit(2, gone.signal);
  const third = coalescer.submit(3);
  gone.abort();
  gate.resolve();
  await expect(abandoned).rejects.toThrow('abort');
  expect(await Promise.all([first, third])).toEqual([1, 3]);
  expect(sent).toEqual([1, 3]);
  await expect(coalescer.submit(4, gone.signal)).rejects.toThrow('abort');
});

test('a poisoned command fails alone, and the rest of its set is done once', async () => {
  const gate = Promise.withResolvers<void>();
  const ledger = new Map<number, number>();
  const observed: SetObservation[] = [];
  const coalescer = createCoalescer<Draw, Drawn>({
    takes: 'all',
    operation: 'test',
    observe: (set) => observed.push(set),
    run: async (set) => {
      await gate.promise;
      return applySet(ledger, set);
    },
  });
  const keys = [0, 1, 2, poison, 4, 5];
  const answers = keys.map((key) => coalescer.submit({ key, amount: 1 }).catch(() => 'failed' as const));
  gate.resolve();
  expect(await Promise.all(answers)).toEqual(['drawn', 'drawn', 'drawn', 'failed', 'drawn', 'drawn']);
  expect([...ledger.keys()]).toEqual([0, 1, 2, 4, 5]);
  await coalescer.idle();
  expect(observed.map(({ wasBisected }) => wasBisected)).toEqual([false, true]);
});

test('a lost connection is heard by the whole set, and nothing is sent twice', async () => {
  let runs = 0;
  const gate = Promise.withResolvers<void>();
  const coalescer = createCoalescer<number, number>({
    operation: 'test',
    run: async (set) => {
      runs += 1;
      await gate.promise;
      if (runs === 2) throw databaseUnavailable();
      return set;
    },
  });
  const answers = [1, 2, 3].map((command) => coalescer.submit(command).catch((error: unknown) => error));
  gate.resolve();
  const [first, second, third] = await Promise.all(answers);
  expect(first).toBe(1);
  expect(second).toMatchObject({ code: 'database_unavailable' });
  expect(third).toMatchObject({ code: 'database_unavailable' });
  expect(runs).toBe(2);
});

test('a statement that tells of too few outcomes fails its set without a second run', async () => {
  let runs = 0;
  const coalescer = createCoalescer<number, number>({
    operation: 'test',
    run: (set) => {
      runs += 1;
      return Promise.resolve(set.slice(1));
    },
  });
  await expect(coalescer.submit(1)).rejects.toThrow('took 1 commands and told of 0');
  expect(runs).toBe(1);
});
