import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Children } from '../../bench/stage/children.ts';
import { couchDocuments, type DocumentStore, DocumentsUnavailable } from '../../platform/src/documents/index.ts';
import { DocumentsPart } from './documents.ts';

const collection = 'business_events';
const stopper = new AbortController();
const children = new Children(stopper.signal);
const ownEnds: string[] = [];
let folder = '';
let part: DocumentsPart;
let store: DocumentStore;

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'quinta-chaos-test-')));
  chmodSync(folder, 0o755);
  const onOwnEnd = (said: string): void => void ownEnds.push(said);
  part = await DocumentsPart.start({ children, folder, signal: stopper.signal, onOwnEnd });
  store = couchDocuments({ address: { url: part.url }, beatEveryMs: 3_600_000 });
  await store.ensureCollection(collection, { indexes: { instant: 'timestamp', fields: ['entity_id'] } });
});

afterEach(async () => {
  await store.close();
  await part.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const timestamp = '2026-01-31T15:04:05.678Z';
const setOf = (...ids: string[]) => ids.map((id) => ({ _id: id, entity_id: '1', timestamp }));
const idsOf = async (): Promise<string[]> => (await part.written(collection)).map(({ _id: id }) => id);

it('a document store that is killed has what it had, in the order of writing', async () => {
  await store.put(collection, setOf('c', 'a'));
  await part.inject('kill', 1);
  await store.put(collection, setOf('b', 'a'));
  await part.inject('kill', 1);
  expect(await idsOf()).toEqual(['c', 'a', 'b']);
  expect(part.conflicts()).toBe(1);
  expect((await store.find(collection, { where: { entity_id: '1' } })).items).toHaveLength(3);
});

it('one that is torn has written half of the set, and the rest is written when the set comes again', async () => {
  const torn = part.inject('tear', 1);
  let [attempt, set] = [0, setOf()];
  // The signal may come behind a set, which is whole then: another one is hit.
  await vi.waitFor(async () => {
    attempt += 1;
    set = setOf(...['d', 'c', 'b', 'a'].map((letter) => `${attempt}${letter}`));
    await expect(store.put(collection, set)).rejects.toThrow(DocumentsUnavailable);
  });
  await torn;
  const written = async () => (await idsOf()).filter((id) => id.startsWith(`${attempt}`));
  expect(await written()).toEqual([`${attempt}d`, `${attempt}c`]);
  expect(await store.put(collection, set)).toEqual(['exists', 'exists', 'stored', 'stored']);
  expect(await written()).toEqual(set.map(({ _id }) => _id));
  expect(part.conflicts()).toBe(2);
});

it('one that is paused answers when it goes on', async () => {
  const paused = part.inject('pause', 300);
  await store.put(collection, setOf('a'));
  await paused;
  expect(await idsOf()).toEqual(['a']);
});

it('a wire that is cut is whole for the next one who comes', async () => {
  await store.put(collection, setOf('a'));
  await part.inject('cut', 0);
  await vi.waitFor(() => store.put(collection, setOf('b')));
  expect(await idsOf()).toEqual(['a', 'b']);
});
