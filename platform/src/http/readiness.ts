import type { ReadyCheck } from './mount.ts';

export interface PartState {
  readonly status: 'up' | 'down';
  readonly essential: boolean;
  readonly latency_ms: number;
  readonly [detail: string]: unknown;
}

export interface Readiness {
  readonly status: 'ready' | 'degraded' | 'down';
  readonly parts: Readonly<Record<string, PartState>>;
}

const checkTimeoutMs = 2_000;

/** Asks every part at once, none longer than two seconds. */
export async function readinessOf(checks: readonly ReadyCheck[]): Promise<Readiness> {
  const states = await Promise.all(checks.map(async (check) => [check.name, await stateOf(check)] as const));
  const down = states.filter(([, state]) => state.status === 'down');
  const status = down.length === 0 ? 'ready' : down.some(([, state]) => state.essential) ? 'down' : 'degraded';
  return { status, parts: Object.fromEntries(states) };
}

async function stateOf(check: ReadyCheck): Promise<PartState> {
  const started = performance.now();
  const took = (): number => Math.round((performance.now() - started) * 10) / 10;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${check.name} did not answer in time`)), checkTimeoutMs);
  });
  try {
    const details = await Promise.race([check.check(), late]);
    return { status: 'up', essential: check.isEssential, latency_ms: took(), ...details };
  } catch {
    return { status: 'down', essential: check.isEssential, latency_ms: took() }; // why is in the log of the part itself
  } finally {
    clearTimeout(timer);
  }
}
