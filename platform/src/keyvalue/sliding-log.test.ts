import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LogTake, SlidingLogs } from './sliding-log.ts';
import { type Attempt, attemptsOf, ModelLog, windowsOf } from './test/model-log.ts';

const policy = { limit: 5, windowMs: 1_000, cost: 1, countRefused: false };
const at = (key: string, nowMs: number, more: Partial<LogTake> = {}): LogTake => ({ ...policy, key, nowMs, ...more });

describe('a sliding log', () => {
  test('decides as a naive model that forgets nothing', () => {
    fc.assert(
      fc.property(attemptsOf(), ({ limit, windowMs, attempts }) => {
        const logs = new SlidingLogs({ keysMax: 100 });
        const model = new ModelLog(limit, windowMs);
        for (const attempt of attempts) {
          const taken = logs.take({ key: 'a', limit, windowMs, ...attempt });
          expect(taken).toEqual(model.take(attempt));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('admits no more than the limit in any window, whatever stands on its table', () => {
    const keyed = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
      stepMs: fc.nat({ max: 400 }),
    });
    fc.assert(
      fc.property(fc.array(keyed, { maxLength: 120 }), fc.integer({ min: 1, max: 3 }), (steps, keysMax) => {
        const logs = new SlidingLogs({ keysMax });
        const admitted: Record<string, Attempt[]> = {};
        let nowMs = 0;
        for (const { key, stepMs } of steps) {
          nowMs += stepMs;
          if (logs.take(at(key, nowMs, { limit: 3 })).allowed) (admitted[key] ??= []).push(at(key, nowMs));
          expect(logs.size).toBeLessThanOrEqual(keysMax);
        }
        for (const attempts of Object.values(admitted)) {
          expect(Math.max(...windowsOf(attempts, policy.windowMs))).toBeLessThanOrEqual(3);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('holds the limit of a hot key while a flood of other keys fills the table', () => {
    const logs = new SlidingLogs({ keysMax: 50 });
    const allowed = Array.from({ length: 2_000 }, (_, index) => {
      logs.take(at(`flood${index}`, 0));
      return logs.take(at('account', 0)).allowed;
    });
    expect(allowed.filter(Boolean)).toHaveLength(5);
  });

  test('judges new keys by shared logs while the table is full, and by their own after', () => {
    const logs = new SlidingLogs({ keysMax: 1 });
    logs.take(at('first', 0));
    const allowed = Array.from({ length: 9 }, () => logs.take(at('late', 0)).allowed);
    expect(allowed.filter(Boolean)).toHaveLength(5);
    expect(logs.size).toBe(1);
    expect(logs.take(at('late', 1_000)).allowed).toBe(true);
  });

  test('gives no second budget to a key that moves from a shared log to its own', () => {
    const logs = new SlidingLogs({ keysMax: 1 });
    logs.take(at('first', 0));
    const shared = Array.from({ length: 5 }, () => logs.take(at('late', 500)).allowed);
    const own = Array.from({ length: 5 }, () => logs.take(at('late', 1_100)).allowed);
    expect([shared, own].map((taken) => taken.filter(Boolean).length)).toEqual([5, 0]);
  });

  test('does not keep a key that was only looked at', () => {
    const logs = new SlidingLogs({ keysMax: 10 });
    expect(logs.take(at('a', 0, { cost: 0 })).allowed).toBe(true);
    expect(logs.size).toBe(0);
  });

  test('waits one window at most after the clock was put back', () => {
    const logs = new SlidingLogs({ keysMax: 10 });
    for (let turn = 0; turn < 5; turn += 1) logs.take(at('a', 1_000_000));
    expect(logs.take(at('a', 0))).toMatchObject({ allowed: false, retryAfterMs: 1_000 });
    expect(logs.take(at('a', 1_000))).toMatchObject({ allowed: true });
  });

  test('writes what was admitted elsewhere in its place in time', () => {
    const logs = new SlidingLogs({ keysMax: 10 });
    logs.take(at('a', 100, { atMs: 100 }));
    logs.take(at('a', 120, { atMs: 50, isForced: true }));
    expect(logs.take(at('a', 1_050, { cost: 0 }))).toMatchObject({ remaining: 4, resetMs: 50 });
  });

  test('remembers up to its capacity while a smaller share is judged', () => {
    const logs = new SlidingLogs({ keysMax: 10 });
    for (let turn = 0; turn < 5; turn += 1) logs.take(at('a', turn));
    expect(logs.take(at('a', 10, { limit: 2, capacity: 5 }))).toMatchObject({ allowed: false, remaining: 0 });
    expect(logs.take(at('a', 10)).allowed).toBe(false);
  });
});
