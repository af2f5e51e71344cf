export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait before the attempt after this one: doubling up to a bound, half of it by chance, so that those who
 * failed together do not come back together.
 * @param attempt how many have failed, from 1
 */
export function backoffMs(attempt: number, { baseMs, maxMs }: Backoff): number {
  const fullMs = Math.min(baseMs * 2 ** Math.min(attempt - 1, 30), maxMs);
  return fullMs / 2 + Math.random() * (fullMs / 2);
}

/** Resolves after so long, or as soon as the signal is given. */
export function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), durationMs);
  const wake = (): void => resolve(undefined);
  signal.addEventListener('abort', wake, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', wake);
  });
}
