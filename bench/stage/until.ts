import { setTimeout as pause } from 'node:timers/promises';

const pollMsDefault = 20;

/** Polls until `look` gives something. Throws after `timeoutMs`, naming what was waited for, and when the run is stopped. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly pollMs?: number },
): Promise<T> {
  const { timeoutMs, signal, pollMs = pollMsDefault } = options;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1_000} s`);
    await pause(pollMs, undefined, { signal });
  }
}
