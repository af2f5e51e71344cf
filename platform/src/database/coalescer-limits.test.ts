import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Coalescer, type CoalescerOptions, createCoalescer, type SetObservation } from './coalescer.ts';
import { databaseBusy, databaseUnavailable } from './faults.ts';

const tooBusy = { code: 'too_busy', status: 503, headers: { 'retry-after': '1' } };

/** A coalescer whose sets end when the test says so. */
function gated(options: Partial<CoalescerOptions<number, number>> = {}): {
  readonly coalescer: Coalescer<number, number>;
  readonly sent: number[][];
  readonly open: () => void;
} {
  const gate = Promise.withResolvers<undefined>();
  const sent: number[][] = [];
  const coalescer = createCoalescer<number, number>({
    takes: 'all',
    operation: 'test',
    run: async (set) => {
      sent.push([...set]);
      await gate.promise;
      return set;
    },
    ...options,
  });
  return { coalescer, sent, open: () => gate.resolve(undefined) };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('without a timer', () => {
  test('a lone command is sent before submit returns, and a thousand are done with time standing still', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance'] });
    const sizes: number[] = [];
    const coalescer = createCoalescer<number, number>({
      takes: 'all',
      operation: 'test',
      run: (set) => {
        sizes.push(set.length);
        return Promise.resolve(set);
      },
    });
    const lone = coalescer.submit(0);
    expect(sizes).toEqual([1]);
    expect(await lone).toBe(0);
    await coalescer.idle();
    const commands = Array.from({ length: 1_000 }, (_, command) => command);
    const answers = commands.map((command) => coalescer.submit(command));
    expect(vi.getTimerCount()).toBe(0);
    expect(await Promise.all(answers)).toEqual(commands);
    await coalescer.idle();
    expect([vi.getTimerCount(), sizes]).toEqual([0, [1, 1, 128, 128, 128, 128, 128, 128, 128, 103]]);
  });

  test('the next set is sent as soon as the last one ends', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate'] });
    const { coalescer, sent, open } = gated();
    const answers = [1, 2, 3].map((command) => coalescer.submit(command));
    expect(sent).toEqual([[1]]);
    open();
    expect(await Promise.all(answers)).toEqual([1, 2, 3]);
    expect([sent, vi.getTimerCount()]).toEqual([[[1], [2, 3]], 0]);
  });
});

describe('limits', () => {
  test('those who were abandoned make room in a full queue', async () => {
    const { coalescer, sent, open } = gated({ queueMax: 2 });
    const gone = new AbortController();
    const first = coalescer.submit(1);
    const abandoned = [2, 3].map((command) => coalescer.submit(command, gone.signal));
    await expect(coalescer.submit(4)).rejects.toMatchObject(tooBusy);
    gone.abort();
    const fifth = coalescer.submit(5);
    for (const answer of abandoned) await expect(answer).rejects.toThrow('abort');
    open();
    expect([await first, await fifth, sent]).toEqual([1, 5, [[1], [5]]]);
  });

  test('whoever came while a full queue was refused is not looked for at each refusal', async () => {
    const queueMax = 6_400;
    const { coalescer, open } = gated({ queueMax });
    let looks = 0;
    const watched = new AbortController().signal;
    Object.defineProperty(watched, 'aborted', { get: () => (looks++, false) });
    const taken = Array.from({ length: queueMax + 1 }, (_, command) => coalescer.submit(command, watched));
    looks = 0;
    const refused = await Promise.allSettled(Array.from({ length: 1_000 }, () => coalescer.submit(0)));
    expect(refused.every(({ status }) => status === 'rejected')).toBe(true);
    expect(looks).toBe(10 * queueMax);
    open();
    expect(await Promise.all(taken)).toHaveLength(queueMax + 1);
  });

  test('one that waited longer than it may is refused with 503 and not sent', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { coalescer, sent, open } = gated({ waitMaxMs: 1_000 });
    const first = coalescer.submit(1);
    const late = coalescer.submit(2);
    vi.advanceTimersByTime(600);
    const third = coalescer.submit(3);
    vi.advanceTimersByTime(600);
    open();
    await expect(late).rejects.toMatchObject(tooBusy);
    expect([await first, await third, sent]).toEqual([1, 3, [[1], [3]]]);
  });

  test.each(['setMax', 'queueMax', 'inFlightMax', 'waitMaxMs'])('%s is at least 1', (name) => {
    expect(() => gated({ [name]: 0 })).toThrow(`${name} of a coalescer must be at least 1, not 0`);
  });

  test.each([0, 63, 127])('one poison among 128 (at %i) costs 14 statements more, and nobody else', async (place) => {
    const gate = Promise.withResolvers<undefined>();
    const done: number[] = [];
    let runs = 0;
    const coalescer = createCoalescer<number, number>({
      takes: 'all',
      operation: 'test',
      run: async (set) => {
        runs += 1;
        await gate.promise;
        if (set.includes(place)) throw new Error('raised');
        done.push(...set);
        return set;
      },
    });
    const first = coalescer.submit(-1);
    const commands = Array.from({ length: 128 }, (_, command) => command);
    const answers = commands.map((command) => coalescer.submit(command).catch(() => 'raised'));
    gate.resolve(undefined);
    expect(await first).toBe(-1);
    expect(await Promise.all(answers)).toEqual(commands.map((command) => (command === place ? 'raised' : command)));
    expect(done).toEqual([-1, ...commands.filter((command) => command !== place)]);
    expect(runs).toBe(1 + 1 + 14);
  });

  test('a set that tells of another number of outcomes is not run again: what it did is done', async () => {
    const gate = Promise.withResolvers<undefined>();
    let runs = 0;
    const coalescer = createCoalescer<number, number>({
      takes: 'all',
      operation: 'test',
      run: async (set) => {
        runs += 1;
        await gate.promise;
        return set.length === 1 ? set : set.slice(1);
      },
    });
    const first = coalescer.submit(1);
    const answers = [2, 3, 4].map((command) => coalescer.submit(command).catch(String));
    gate.resolve(undefined);
    expect(await first).toBe(1);
    const told = 'Error: test took 3 commands and told of 2';
    expect([await Promise.all(answers), runs]).toEqual([[told, told, told], 2]);
  });

  test('as many sets are under way as may be, and no more', async () => {
    const { coalescer, sent, open } = gated({ inFlightMax: 2, setMax: 2 });
    const answers = [1, 2, 3, 4, 5, 6].map((command) => coalescer.submit(command));
    expect([sent, coalescer.waiting]).toEqual([[[1], [2]], 4]);
    open();
    expect(await Promise.all(answers)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(sent).toEqual([[1], [2], [3, 4], [5, 6]]);
  });
});

describe('what is told of sets', () => {
  test('is each of them once, whatever became of it, with the wait of its first command', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const gates = [1, 2, 3].map(() => Promise.withResolvers<undefined>());
    const observed: SetObservation[] = [];
    let runs = 0;
    const coalescer = createCoalescer<number, number>({
      takes: 'all',
      operation: 'vale.test',
      setMax: 2,
      observe: (set) => observed.push(set),
      run: async (set) => {
        await gates[runs++]?.promise;
        if (set.includes(5)) throw databaseBusy();
        return set;
      },
    });
    const answers = [1, 2, 3, 4, 5].map((command) => coalescer.submit(command).catch(() => 'failed'));
    for (const [place, gate] of gates.entries()) {
      vi.advanceTimersByTime(10);
      gate.resolve(undefined);
      await answers[place * 2];
      await new Promise((resolve) => setImmediate(resolve)); // the next set is under way
    }
    await coalescer.idle();
    const told = { operation: 'vale.test', durationMs: 10, wasBisected: false };
    expect(observed).toEqual([
      { ...told, size: 1, waitMs: 0 },
      { ...told, size: 2, waitMs: 10 },
      { ...told, size: 2, waitMs: 20 },
    ]);
    expect(await Promise.all(answers)).toEqual([1, 2, 3, 'failed', 'failed']);
  });

  test.each([
    ['a lost connection', databaseUnavailable(), false, 1],
    ['a timeout', databaseBusy(), false, 1],
    ['an error of the statement', new Error('raised'), true, 7],
  ])('is that it was bisected, unless halves would not help: %s', async (_, error, isBisected, runsOfTheSet) => {
    const observed: SetObservation[] = [];
    let runs = 0;
    const gate = Promise.withResolvers<undefined>();
    const coalescer = createCoalescer<number, number>({
      takes: 'all',
      operation: 'test',
      observe: (set) => observed.push(set),
      run: async (set) => {
        runs += 1;
        await gate.promise;
        if (runs > 1) throw error;
        return set;
      },
    });
    const answers = [0, 1, 2, 3, 4].map((command) => coalescer.submit(command).catch((heard: unknown) => heard));
    gate.resolve(undefined);
    expect(await Promise.all(answers)).toEqual([0, error, error, error, error]);
    await coalescer.idle();
    expect(observed.map(({ wasBisected }) => wasBisected)).toEqual([false, isBisected]);
    expect(runs).toBe(1 + runsOfTheSet);
  });
});
