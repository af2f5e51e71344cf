import type { Clock } from '../kernel/index.ts';

/** A clock that starts at the wall's time and then only moves forward, whatever is done to the wall's. */
export const monotonicClock: Clock = {
  now: () => new Date(performance.timeOrigin + performance.now()),
};
