import { setTimeout as pause } from 'node:timers/promises';
import { queryOne } from '../bench/stage/sql.ts';
import { eventsCollection } from '../services/sofipo/src/events/keep-events.ts';
import type { WrittenDocument } from './parts/documents.ts';
import type { World } from './world.ts';

const pollMs = 500;
/** Longer than anything waits before it tries again. */
const stillMs = 75_000;

/**
 * Waits until nothing moves any more: every event has left and is written down, or, where one is lost, nothing has
 * changed for longer than anybody waits before trying again. Resolves to what is written.
 */
export async function untilQuiet(world: World, signal: AbortSignal): Promise<readonly WrittenDocument[]> {
  let [seen, sinceMs] = ['', performance.now()];
  for (;;) {
    const written = await world.documents.written(eventsCollection);
    const { events, pending } = await queryOne<{ events: string; pending: string }>(
      world.sql,
      'select count(*)::text as events, (count(*) filter (where published_at is null))::text as pending from outbox',
    );
    if (pending === '0' && Number(events) === written.length) return written;
    const state = `${events} ${pending} ${written.length}`;
    if (state !== seen) [seen, sinceMs] = [state, performance.now()];
    if (performance.now() - sinceMs > stillMs) return written;
    await pause(pollMs, undefined, { signal });
  }
}
