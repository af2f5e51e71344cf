import { keyValueOver, type Operations } from '../backend.ts';
import { type KeyValue, KeyValueUnavailable } from '../contract.ts';
import { HealthWatch } from '../health.ts';
import { memoryKeyValue } from '../memory.ts';
import { within } from '../within.ts';
import type { HeldClock } from './held-clock.ts';

/** A store in memory that can be made to fail as one behind a wire does. */
export interface FaultyStore {
  readonly keyValue: KeyValue;
  /** Silent, it rejects after its time limit. */
  readonly fail: (how: 'refuses' | 'is silent') => void;
  /** Empty, as after a restart without a disk. */
  comeBack(options?: { readonly empty: boolean }): void;
}

const silenceMs = 30;

export function faultyStore(clock: HeldClock): FaultyStore {
  const health = new HealthWatch({ isUp: true });
  let memory = memoryKeyValue({ clock }).backend;
  let state: 'up' | 'refuses' | 'is silent' = 'up';
  const down = (): Error => new KeyValueUnavailable('ask', 'it is down');
  const operations = new Proxy(memory.operations, {
    get(_, name: keyof Operations) {
      if (state === 'up') return memory.operations[name];
      if (state === 'refuses') return () => Promise.reject(down());
      return () => within(new Promise(() => undefined), silenceMs, down);
    },
  });
  return {
    keyValue: keyValueOver({ ...memory, health, operations }),
    fail(how) {
      state = how;
      health.report({ isUp: false, reason: how });
    },
    comeBack(options = { empty: false }) {
      if (options.empty) memory = memoryKeyValue({ clock }).backend;
      state = 'up';
      health.report({ isUp: true });
    },
  };
}
