import { isDeepStrictEqual } from 'node:util';
import type { Backend, Collection, InsertOutcome, ReadyDocument } from './backend.ts';
import { readDocument } from './bounds.ts';
import { DocumentRefused, DocumentsUnavailable, type JsonDocument, type PutOutcome } from './contract.ts';

/** The most bytes of documents that go to the store at once. */
const bytesAtOnceMax = 4_194_304;

/** Stores each document of a set that is not there yet, and says of each what became of it. */
export async function putSet(
  backend: Backend,
  collection: Collection,
  documents: readonly JsonDocument[],
  signal: AbortSignal,
): Promise<readonly PutOutcome[]> {
  const read = documents.map((document) => readDocument(collection, document));
  const ready = read.flatMap((document) => (document instanceof DocumentRefused ? [] : [document]));
  const outcomes = new Map<ReadyDocument, PutOutcome>();
  for (const part of partsOf(ready)) {
    const said = await putPart(backend, collection, part, signal);
    part.forEach((document, place) => outcomes.set(document, said[place] ?? lost()));
  }
  return read.map((document) => (document instanceof DocumentRefused ? document : (outcomes.get(document) ?? lost())));
}

function partsOf(documents: readonly ReadyDocument[]): readonly (readonly ReadyDocument[])[] {
  const parts: ReadyDocument[][] = [];
  let room = 0;
  for (const document of documents) {
    if (document.bytes > room) {
      parts.push([]);
      room = bytesAtOnceMax;
    }
    parts.at(-1)?.push(document);
    room -= document.bytes;
  }
  return parts;
}

async function putPart(
  backend: Backend,
  collection: Collection,
  part: readonly ReadyDocument[],
  signal: AbortSignal,
): Promise<readonly PutOutcome[]> {
  const firsts = new Map<string, ReadyDocument>();
  for (const document of part) if (!firsts.has(document.id)) firsts.set(document.id, document);
  const sent = [...firsts.values()];
  const said = await backend.insert(collection, sent, signal);
  const inserted = new Map(sent.map((document, place) => [document, said[place] ?? lost()]));
  const ids = new Set(part.filter((document) => isOpen(inserted.get(document))).map(({ id }) => id));
  const kept = ids.size === 0 ? [] : await backend.fetch(collection, [...ids], signal);
  const keptById = new Map(kept.map((document) => [document._id, document]));
  return part.map((document) => {
    const outcome = inserted.get(document);
    if (outcome !== undefined && outcome !== 'taken') return outcome;
    const first = firsts.get(document.id);
    return compared(document, keptById.get(document.id), first && inserted.get(first));
  });
}

/** Whether what the store has must be looked at: the id was taken, or comes a second time in the set. */
function isOpen(outcome: InsertOutcome | undefined): boolean {
  return outcome === undefined || outcome === 'taken';
}

function compared(
  document: ReadyDocument,
  kept: JsonDocument | undefined,
  ofFirst: InsertOutcome | undefined,
): PutOutcome {
  if (kept) return isDeepStrictEqual(JSON.parse(document.text), kept) ? 'exists' : 'differs';
  // It comes behind another of the same id that was refused.
  if (ofFirst instanceof DocumentRefused) return ofFirst;
  throw new DocumentsUnavailable('put', 'a document was deleted meanwhile');
}

function lost(): never {
  throw new DocumentsUnavailable('put', 'the store did not say what became of a document');
}
