import { inspect } from 'node:util';
import type { Log, LogFields } from '../../kernel/index.ts';

/** A log that keeps each line with everything in its fields, hidden properties of errors included. */
export interface KeptLog extends Log {
  readonly lines: readonly string[];
}

export function keptLog(): KeptLog {
  const lines: string[] = [];
  const keep = (fields: LogFields, message: string): void => {
    lines.push(`${message} ${inspect(fields, { depth: 10, showHidden: true })}`);
  };
  const log: KeptLog = { lines, debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  return log;
}
