import { DocumentsUnavailable, type JsonDocument } from '@quinta/platform/documents';
import {
  cursorParameter,
  instantParameter,
  limitParameter,
  plainText,
  type Route,
  routesOf,
} from '@quinta/platform/http';
import { encodeCursor } from '@quinta/platform/kernel';
import { z } from 'zod';
import type { Sofipo } from '../app.ts';
import { eventsUnavailable } from '../problems.ts';
import { eventsCollection } from './keep-events.ts';

const { route } = routesOf<Sofipo>();

const eventOutput = z.object({
  event_id: z.guid(),
  event_type: z.string(),
  entity_id: z.string(),
  payload: z.record(z.string(), z.unknown()),
  timestamp: z.iso.datetime(),
  version: z.int().nullable(),
  request_id: z.guid().nullable(),
});

export const eventRoutes: readonly Route<Sofipo>[] = [
  route({
    method: 'GET',
    path: '/events',
    operation: 'event.list',
    summary: 'What has happened, as it was written down, newest first',
    tag: 'events',
    query: z.strictObject({
      entity_id: plainText({ min: 1, max: 191 }).optional(),
      event_type: plainText({ min: 1, max: 100 }).optional(),
      from: instantParameter.optional(),
      to: instantParameter.optional(),
      limit: limitParameter(100, 1_000),
      cursor: cursorParameter('text', 'text'),
    }),
    replies: { 200: z.object({ events: z.array(eventOutput), count: z.int(), next: z.string().nullable() }) },
    problems: ['events_unavailable'],
    handle: async ({ app, query: { entity_id, event_type, cursor, ...page } }) => {
      const where = { entity_id, event_type };
      const behind = cursor === undefined ? undefined : encodeCursor(cursor);
      const { items, next } = await app.documents
        .find(eventsCollection, { ...page, where, cursor: behind })
        .catch((error: unknown) => Promise.reject(error instanceof DocumentsUnavailable ? away(error) : error));
      return { status: 200, body: { events: items.map(shownOf), count: items.length, next } };
    },
  }),
];

function shownOf(document: JsonDocument): z.output<typeof eventOutput> {
  const { _id: id, ...event } = document;
  const parsed = eventOutput.partial({ version: true, request_id: true }).parse({ event_id: id, ...event });
  return { ...parsed, version: parsed.version ?? null, request_id: parsed.request_id ?? null };
}

function away(cause: DocumentsUnavailable) {
  return eventsUnavailable({}, { cause, headers: { 'retry-after': '5' } });
}
