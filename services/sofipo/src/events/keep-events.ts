import {
  DocumentRefused,
  type DocumentStore,
  DocumentsUnavailable,
  type JsonDocument,
} from '@quinta/platform/documents';
import { type IncomingMessage, Transient } from '@quinta/platform/messaging';
import { z } from 'zod';

/** The database of CouchDB that the README names. */
export const eventsCollection = 'business_events';

/** The body of an event as it is sent to others. */
const bodyForm = z.looseObject({
  event_id: z.guid(),
  event_type: z.string(),
  entity_id: z.string(),
  payload: z.record(z.string(), z.unknown()),
  timestamp: z.iso.datetime(),
});

/** Declares the collection; where the store is away that is done with the first event. */
export async function declareEvents(documents: DocumentStore): Promise<void> {
  const indexes = { instant: 'timestamp', fields: ['entity_id', 'event_type'] };
  await documents.ensureCollection(eventsCollection, { indexes });
}

/**
 * Writes messages down as documents whose `_id` is the event's, so that one that comes twice is there once. While the
 * store is away the same messages are tried again; what can never be written goes to the dead letters.
 */
export async function keepEvents(documents: DocumentStore, messages: readonly IncomingMessage[]): Promise<void> {
  await putEvents(documents, messages.map(documentOf));
}

/** @throws Transient while the store is away, or an error for a document that it will never take */
export async function putEvents(documents: DocumentStore, events: readonly JsonDocument[]): Promise<void> {
  try {
    const outcomes = await documents.put(eventsCollection, events);
    for (const [place, outcome] of outcomes.entries()) {
      if (outcome instanceof DocumentRefused) throw outcome;
      if (outcome === 'differs')
        throw new Error(`Event ${events[place]?._id} is there already, and says something else`);
    }
  } catch (error) {
    if (error instanceof DocumentsUnavailable) throw new Transient(error.message, { cause: error });
    throw error;
  }
}

/** A document of a message. Throws for a body that is none of ours. */
export function documentOf({ id, body }: Pick<IncomingMessage, 'id' | 'body'>): JsonDocument {
  const event = bodyForm.parse(JSON.parse(body));
  if (event.event_id !== id) throw new Error(`Message ${id} carries event ${event.event_id}`);
  return { _id: id, ...event };
}
