import { describe, expect, test, vi } from 'vitest';
import { memoryKeyValue } from './memory.ts';
import { faultyStore } from './test/faulty-store.ts';
import { heldClock } from './test/held-clock.ts';
import { LockBusy, withLock } from './with-lock.ts';

const eventually = { timeout: 20_000, interval: 10 };
const patient = { ttlMs: 60_000, waitMs: 30_000 };

describe('work inside a lock', () => {
  test('is done by one at a time, each with a larger fence', async () => {
    const store = memoryKeyValue();
    const fences: number[] = [];
    let inside = 0;
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withLock(store, 'job', patient, async ({ fence }) => {
          inside += 1;
          expect(inside).toBe(1);
          await store.ping();
          fences.push(fence);
          inside -= 1;
        }),
      ),
    );
    expect(fences).toHaveLength(8);
    expect(fences).toEqual([...new Set(fences)].toSorted((a, b) => a - b));
  });

  test('gives the lock back when it throws', async () => {
    const store = memoryKeyValue();
    const broken = withLock(store, 'job', patient, () => Promise.reject(new Error('broken')));
    await expect(broken).rejects.toThrow('broken');
    expect(await store.lock('job', { ttlMs: 1_000 })).toBeDefined();
  });

  test('is refused when the lock stays held', async () => {
    const store = memoryKeyValue();
    await store.lock('job', { ttlMs: 60_000 });
    const work = vi.fn<() => Promise<void>>();
    await expect(withLock(store, 'job', { ttlMs: 1_000, waitMs: 120 }, work)).rejects.toThrow(LockBusy);
    await expect(withLock(store, 'job', { ttlMs: 1_000 }, work)).rejects.toThrow(LockBusy);
    expect(work).not.toHaveBeenCalled();
  });

  test('stops waiting when told', async () => {
    const store = memoryKeyValue();
    await store.lock('job', { ttlMs: 60_000 });
    const stop = new AbortController();
    const waiting = withLock(store, 'job', { ...patient, signal: stop.signal }, async () => 'done');
    stop.abort(new Error('the client has gone'));
    await expect(waiting).rejects.toThrow('the client has gone');
  });

  test('keeps the lock for as long as it lasts', async () => {
    const clock = heldClock();
    const store = memoryKeyValue({ clock });
    await withLock(store, 'job', { ttlMs: 900 }, async ({ signal }) => {
      // The lock's own clock goes on by two thirds of its time for each renewal that must have come.
      for (let step = 0; step < 4; step += 1) {
        const renewed = vi.spyOn(store.backend.operations, 'renew');
        await vi.waitFor(() => expect(renewed).toHaveBeenCalled(), eventually);
        renewed.mockRestore();
        clock.advance(600);
        expect(await store.lock('job', { ttlMs: 1 })).toBeUndefined();
      }
      expect(signal.aborted).toBe(false);
    });
    expect(await store.lock('job', { ttlMs: 1 })).toBeDefined();
  });

  test('is told when somebody else has the lock', async () => {
    const clock = heldClock();
    const store = memoryKeyValue({ clock });
    await withLock(store, 'job', { ttlMs: 900 }, async ({ signal }) => {
      clock.advance(900);
      expect(await store.lock('job', { ttlMs: 60_000 })).toBeDefined();
      await vi.waitFor(() => expect(signal.reason).toMatchObject({ message: 'The lock "job" was lost' }), eventually);
    });
    expect(await store.lock('job', { ttlMs: 1 })).toBeUndefined();
  });

  test('is told when the lock cannot be renewed in time', async () => {
    const { keyValue, fail } = faultyStore(heldClock());
    await withLock(keyValue, 'job', { ttlMs: 900 }, async ({ signal }) => {
      fail('refuses');
      await vi.waitFor(
        () => expect(signal.reason).toMatchObject({ message: 'The lock "job" could not be renewed' }),
        eventually,
      );
    });
  });
});
