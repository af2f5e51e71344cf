import type { Db } from '../database/index.ts';
import { readLag } from './outbox-statements.ts';

/** How far the outbox is behind. */
export interface OutboxLag {
  /** Events that wait. */
  readonly pending: number;
  /** Order keys that wait because the broker refused their oldest event. */
  readonly held: number;
  /** Age of the oldest event that waits; 0 where none does. */
  readonly seconds: number;
}

/** At the same price however many events were published. */
export async function outboxLag(db: Db): Promise<OutboxLag> {
  const [row] = await readLag(db, {});
  return {
    pending: Number(row?.pending ?? 0),
    held: Number(row?.held ?? 0),
    seconds: Number(row?.age_ms ?? 0) / 1_000,
  };
}
