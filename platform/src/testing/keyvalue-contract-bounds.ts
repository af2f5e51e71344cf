import { expect } from 'vitest';
import type { KeyValue } from '../keyvalue/index.ts';
import type { Story } from './keyvalue-contract.ts';

/** What every adapter refuses before it asks anybody. */
export function boundTests(story: Story): void {
  const calls: Record<string, (keyValue: KeyValue) => Promise<unknown>> = {
    'no lifetime': (kv) => kv.set('a', 'b', { ttlMs: 0 }),
    'an endless lifetime': (kv) => kv.set('a', 'b', { ttlMs: Number.POSITIVE_INFINITY }),
    'half a millisecond': (kv) => kv.setIfAbsent('a', 'b', { ttlMs: 0.5 }),
    'a lock without an end': (kv) => kv.lock('a', { ttlMs: 0 }),
    'no key': (kv) => kv.get(''),
    'a key of 513 characters': (kv) => kv.delete('k'.repeat(513)),
    'a key of the adapters': (kv) => kv.set('~limit:a', 'b', { ttlMs: 1 }),
    '101 keys': (kv) => kv.getMany(Array.from({ length: 101 }, () => 'a')),
    'a value over a mebi-character': (kv) => kv.set('a', 'b'.repeat(1_048_577), { ttlMs: 1 }),
    'a limit of nothing': (kv) => kv.take({ key: 'a', limit: 0, windowMs: 1 }),
    'a limit beyond the log': (kv) => kv.take({ key: 'a', limit: 10_001, windowMs: 1 }),
    'a window of nothing': (kv) => kv.take({ key: 'a', limit: 1, windowMs: 0 }),
    'a cost beyond the limit': (kv) => kv.take({ key: 'a', limit: 2, windowMs: 1, cost: 3 }),
  };
  for (const [name, call] of Object.entries(calls)) {
    story(`refuses ${name}`, async ({ first }) => {
      await expect(call(first)).rejects.toThrow(RangeError);
    });
  }
}
