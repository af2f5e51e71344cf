import type { Clock } from '../../kernel/index.ts';

/** A clock that stands until it is put on. */
export interface HeldClock extends Clock {
  advance(durationMs: number): void;
}

export function heldClock(startMs = Date.UTC(2026, 0, 1)): HeldClock {
  let nowMs = startMs;
  return {
    now: () => new Date(nowMs),
    advance(durationMs) {
      nowMs += durationMs;
    },
  };
}
