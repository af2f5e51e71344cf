import { hostSettings } from '../../platform/src/service/index.ts';
import type { Child, Variables } from './children.ts';
import type { Stage } from './stage.ts';
import { until } from './until.ts';

const startTimeoutMs = 60_000;

/**
 * Every variable that a service reads, empty: an empty one counts as not set and wins over a `.env` in the checkout, so
 * that no run ever touches anybody's database.
 */
export function emptiedVariables(service: {
  readonly face: { readonly name: string };
  readonly settings: object;
}): Variables {
  const prefix = service.face.name.replaceAll('-', '_').toUpperCase();
  return Object.fromEntries(
    [...Object.keys(hostSettings), ...Object.keys(service.settings)].flatMap((name) => [
      [name, ''],
      [`${prefix}_${name}`, ''],
      [`QUINTA_${name}`, ''],
    ]),
  );
}

/** Resolves to where a `quinta start` answers. Throws what it said where it ends before. */
export function untilServing(stage: Stage, child: Child, title: string): Promise<string> {
  let hasEnded = false;
  void child.ended.then(() => (hasEnded = true));
  const look = (): string | undefined => {
    if (hasEnded) throw new Error(`quinta start of ${title} ended: ${child.stderr().trim()}`);
    const [, address] = /^Quinta answers at (\S+)$/m.exec(child.stderr()) ?? [];
    return address === undefined ? undefined : new URL(address).origin;
  };
  return until(`${title} answers`, look, { timeoutMs: startTimeoutMs, signal: stage.signal });
}
