import { randomBytes } from 'node:crypto';
import type { Context } from './context.ts';
import { uuidV7 } from './ids.ts';

/** Something that the operator does by a command, not a request: what its audit rows say of themselves. */
export function operatorContext({ clock, log }: Pick<Context, 'clock' | 'log'>, operation: string): Context {
  return {
    requestId: uuidV7(clock.now().getTime(), randomBytes(10)),
    traceId: randomBytes(16).toString('hex'),
    actor: undefined,
    client: { address: '', userAgent: 'quinta' },
    operation,
    method: 'CLI',
    endpoint: operation,
    clock,
    log,
    signal: new AbortController().signal,
  };
}
