import { isDeepStrictEqual } from 'node:util';
import type { WrittenDocument } from '../parts/documents.ts';

/** A row of the outbox. */
export interface OutboxEvent {
  readonly id: string;
  readonly event_type: string;
  readonly entity_id: string;
  readonly order_key: string;
  readonly payload: unknown;
  readonly occurred_at: Date;
  readonly version: number;
  readonly request_id: string | null;
}

/**
 * Where documents are not events, each once and in order: `events` in the order of their positions, which for one key is
 * that of the commits, `written` in the order of writing. One sentence a fault.
 */
export function documentFaults(events: readonly OutboxEvent[], written: readonly WrittenDocument[]): readonly string[] {
  const byId = new Map(events.map((event) => [event.id, event]));
  const counts = new Map<string, number>();
  for (const { _id: id } of written) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [
    ...events.filter(({ id }) => !counts.has(id)).map((event) => `${named(event)} has no document`),
    ...[...counts].filter(([id]) => !byId.has(id)).map(([id]) => `Document ${id} is no event`),
    ...[...counts].filter(([, count]) => count > 1).map(([id, count]) => `Document ${id} is there ${count} times`),
    ...written.flatMap((document) => contentFaults(document, byId.get(document._id))),
    ...orderFaults(byId, written),
  ];
}

function contentFaults(document: WrittenDocument, event: OutboxEvent | undefined): readonly string[] {
  if (!event) return [];
  const { _rev: revision, ...content } = document;
  const faults = isDeepStrictEqual(content, documentOf(event)) ? [] : [`The document of ${named(event)} differs`];
  return revision.startsWith('1-') ? faults : [...faults, `The document of ${named(event)} was written again`];
}

/** The body as the README promises it, with what was added to it. */
function documentOf(event: OutboxEvent): object {
  const { id, event_type, entity_id, payload, occurred_at, version, request_id } = event;
  const promised = { event_type, entity_id, payload, timestamp: occurred_at.toISOString() };
  return { _id: id, ...promised, event_id: id, version, request_id };
}

/** Every document must stand behind those of the events before it of its key. */
function orderFaults(byId: ReadonlyMap<string, OutboxEvent>, written: readonly WrittenDocument[]): readonly string[] {
  const places = new Map([...byId.keys()].map((id, place) => [id, place]));
  const newest = new Map<string, number>();
  return written.flatMap(({ _id: id }) => {
    const event = byId.get(id);
    if (!event) return [];
    const place = places.get(id) ?? -1;
    const before = newest.get(event.order_key) ?? -1;
    newest.set(event.order_key, Math.max(before, place));
    return place < before ? [`${named(event)} was written behind a later one of ${event.order_key}`] : [];
  });
}

function named({ id, event_type: type }: OutboxEvent): string {
  return `Event ${id} (${type})`;
}
