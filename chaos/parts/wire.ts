import { setTimeout as pause } from 'node:timers/promises';
import { FaultProxy } from '../../platform/src/messaging/test/fault-proxy.ts';
import type { FaultKind } from '../plan.ts';

const quietMs = 1_000;

/** A blow comes so many milliseconds late at most, not included; which it is comes from the plan. */
export const lateMax = 6;

/** The way to a part, which everybody takes: cut, or dead without a word. */
export class Wire {
  readonly #proxy: FaultProxy;
  readonly #strikes = new Set<() => void>();

  private constructor(proxy: FaultProxy) {
    this.#proxy = proxy;
    proxy.onData = () => this.#strikes.forEach((strike) => strike());
  }

  static async to(port: number): Promise<Wire> {
    return new Wire(await FaultProxy.start(port));
  }

  get port(): number {
    return this.#proxy.port;
  }

  /**
   * Strikes when something is on its way: before it arrives, or so little later that it is being worked on; or after a
   * while in which nothing was.
   */
  strike(blow: () => void, lateMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const hit = (): void => {
      blow();
      resolve(undefined);
    };
    const strike = (): void => {
      this.#strikes.delete(strike);
      clearTimeout(timer);
      if (lateMs === 0) hit();
      else setTimeout(hit, lateMs);
    };
    const timer = setTimeout(strike, quietMs);
    this.#strikes.add(strike);
    return promise;
  }

  async inject(kind: Extract<FaultKind, 'cut' | 'stall'>, lastsMs: number, signal: AbortSignal): Promise<void> {
    if (kind === 'cut') return this.#proxy.cut();
    this.#proxy.stall();
    await pause(lastsMs, undefined, { signal }).finally(() => this.#proxy.heal());
    return undefined;
  }

  close(): void {
    this.#proxy.close();
  }
}
