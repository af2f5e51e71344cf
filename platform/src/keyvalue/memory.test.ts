import { describe, expect, test } from 'vitest';
import { keyValueContract } from '../testing/keyvalue-contract.ts';
import { keyValueOver } from './backend.ts';
import { KeyValueUnavailable } from './contract.ts';
import { MemoryValues } from './memory-values.ts';
import { memoryKeyValue } from './memory.ts';
import { heldClock } from './test/held-clock.ts';

describe('memory', () => {
  keyValueContract(async () => {
    const clock = heldClock();
    const first = memoryKeyValue({ clock });
    const second = keyValueOver(first.backend);
    return {
      first,
      second,
      unitMs: 60_000,
      elapse: async (durationMs) => clock.advance(durationMs),
      close: () => first.close(),
    };
  });
});

describe('bounded memory', () => {
  const minuteMs = 60_000;

  test('drops the value that was not used for longest', async () => {
    const store = memoryKeyValue({ keysMax: 3, clock: heldClock() });
    for (const key of ['a', 'b', 'c']) await store.set(key, key, { ttlMs: minuteMs });
    await store.get('a');
    await store.set('d', 'd', { ttlMs: minuteMs });
    expect(await store.getMany(['a', 'b', 'c', 'd'])).toEqual(['a', undefined, 'c', 'd']);
  });

  test('counts characters too', async () => {
    const store = memoryKeyValue({ valuesLengthMax: 30, clock: heldClock() });
    await store.set('a', 'x'.repeat(20), { ttlMs: minuteMs });
    await store.set('b', 'y'.repeat(20), { ttlMs: minuteMs });
    expect(await store.getMany(['a', 'b'])).toEqual([undefined, 'y'.repeat(20)]);
    await expect(store.set('c', 'z'.repeat(30), { ttlMs: minuteMs })).rejects.toThrow(KeyValueUnavailable);
  });

  test('never drops a mark before its end, and refuses the next one instead', async () => {
    const clock = heldClock();
    const store = memoryKeyValue({ keysMax: 2, clock });
    await store.setIfAbsent('ticket:1', 'used', { ttlMs: minuteMs });
    await store.set('cached', 'x', { ttlMs: minuteMs });
    expect(await store.setIfAbsent('ticket:2', 'used', { ttlMs: minuteMs })).toBe(true);
    await expect(store.setIfAbsent('ticket:3', 'used', { ttlMs: minuteMs })).rejects.toThrow('memory is full');
    await expect(store.set('cached', 'x', { ttlMs: minuteMs })).rejects.toThrow('memory is full');
    expect(await store.setIfAbsent('ticket:1', 'used', { ttlMs: minuteMs })).toBe(false);
    clock.advance(minuteMs);
    expect(await store.setIfAbsent('ticket:3', 'used', { ttlMs: minuteMs })).toBe(true);
  });

  test('keeps a mark that an overwriting value found no room for', () => {
    const values = new MemoryValues({ keysMax: 10, lengthMax: 20 });
    values.setIfAbsent('a', { value: '12345', endsAtMs: 10 }, 0);
    expect(values.set('a', { value: 'x'.repeat(30), endsAtMs: 10 }, 0)).toBe(false);
    expect(values.get('a', 0)).toBe('12345');
  });

  test('sweeps what is over by the calls that come', () => {
    const values = new MemoryValues({ keysMax: 1_000, lengthMax: 100_000 });
    for (let index = 0; index < 500; index += 1) values.setIfAbsent(`old${index}`, { value: '', endsAtMs: 1 }, 0);
    for (let index = 0; index < 300; index += 1) values.setIfAbsent(`new${index}`, { value: '', endsAtMs: 9 }, 2);
    expect(values.size).toBe(300);
  });

  test('refuses a lock when all are held, and forgets those that ended', async () => {
    const clock = heldClock();
    const store = memoryKeyValue({ keysMax: 1, clock });
    const lock = await store.lock('a', { ttlMs: minuteMs });
    await expect(store.lock('b', { ttlMs: minuteMs })).rejects.toThrow('memory is full');
    await lock?.release();
    clock.advance(minuteMs);
    expect(await store.lock('b', { ttlMs: minuteMs })).toBeDefined();
  });

  test('fences go on growing when the clock is put back', async () => {
    const clock = heldClock();
    const store = memoryKeyValue({ clock });
    const early = await store.lock('a', { ttlMs: 1_000 });
    await early?.release();
    clock.advance(-30_000);
    const late = await store.lock('a', { ttlMs: 1_000 });
    expect(late?.fence).toBeGreaterThan(early?.fence ?? Number.POSITIVE_INFINITY);
  });
});
