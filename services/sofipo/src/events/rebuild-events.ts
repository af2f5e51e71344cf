import { documentsPerPutMax } from '@quinta/platform/documents';
import type { Sofipo } from '../app.ts';
import { eventsBehind } from './event-store.ts';
import { declareEvents, putEvents } from './keep-events.ts';

/**
 * Writes every event of the outbox down again, for a document store that has lost them: what is there already stays as
 * it is. Resolves to how many were looked at.
 * @throws Transient while the store is away; begin again then
 */
export async function rebuildEvents(
  { database, documents }: Sofipo,
  onProgress: (events: number) => void,
): Promise<number> {
  await declareEvents(documents);
  let count = 0;
  for (let behind = '0'; ;) {
    const page = await eventsBehind(database, { behind, limit: documentsPerPutMax });
    if (page.last === undefined) return count;
    await putEvents(documents, page.documents);
    count += page.documents.length;
    onProgress(count);
    behind = page.last;
  }
}
