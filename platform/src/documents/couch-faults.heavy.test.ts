import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keptLog } from '../testing/kept-log.ts';
import { createMetrics } from '../telemetry/index.ts';
import { event, eventIndexes, events, eventsTo } from '../testing/documents-fixture.ts';
import { type DocumentStore, DocumentsUnavailable } from './contract.ts';
import { couchDocuments, type CouchDocumentsOptions } from './couch.ts';
import { documentMetrics } from './observe.ts';
import { CouchServer, type Fault } from './test/couch-server.ts';

const eventually = { timeout: 20_000, interval: 5 };
const neverBeats = { beatEveryMs: 3_600_000 };

let server: CouchServer;
const open: DocumentStore[] = [];
beforeEach(async () => {
  server = await CouchServer.start();
});
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  await server.close();
});

function opened(options: Partial<CouchDocumentsOptions> = {}): DocumentStore {
  const store = couchDocuments({ address: server.address, ...neverBeats, ...options });
  open.push(store);
  return store;
}

async function declared(options: Partial<CouchDocumentsOptions> = {}): Promise<DocumentStore> {
  const store = opened(options);
  // The first request of a process takes longer than a hasty store waits.
  await vi.waitFor(() => store.ensureCollection(events, { indexes: eventIndexes }), eventually);
  return store;
}

/** Breaks every request whose path ends so. */
function breaking(fault: Fault, ending = ''): void {
  server.fault = ({ path }) => (path.endsWith(ending) ? fault : undefined);
}

/** The fault of a call that must not go well. */
async function faultOf(call: Promise<unknown>): Promise<unknown> {
  const [outcome] = await Promise.allSettled([call]);
  return outcome.status === 'rejected' ? outcome.reason : undefined;
}

const status = (code: number, text: string): Fault => ({ kind: 'status', status: code, text });
const faults: readonly (readonly [string, Fault, string])[] = [
  ['an answer cut in its middle', { kind: 'cut', type: 'application/json' }, 'closed'],
  ['a text cut in its middle', { kind: 'cut', type: 'text/plain' }, 'closed'],
  ['an answer of no type cut in its middle', { kind: 'cut', type: undefined }, 'closed'],
  ['a server that hangs', { kind: 'hang' }, 'no answer within 300 ms'],
  ['500', status(500, '{"error":"internal_server_error","reason":"No DB shards could be opened."}'), 'No DB shards'],
  ['503 of a proxy', status(503, '<html>Service Unavailable</html>'), 'not valid JSON'],
  ['500 and nothing', status(500, ''), 'Unexpected end'],
  ['500 and null', status(500, 'null'), 'no JSON object'],
  ['429', status(429, '{"error":"too_many_requests"}'), 'too_many_requests'],
  ['401', status(401, '{"error":"unauthorized","reason":"Name or password is incorrect."}'), 'Name or password'],
  ['another server', { kind: 'other', text: '{"hello":"world"}' }, 'not one of CouchDB'],
  ['a text where JSON should be', { kind: 'other', text: '"hello"' }, 'no JSON object'],
];

describe('a put', () => {
  test.each(faults)('meets %s and is told to come again; then it is there once', async (_, fault, reason) => {
    const store = await declared({ timeoutMs: 300 });
    breaking(fault, '_bulk_docs');
    const error = await faultOf(store.put(events, eventsTo(3)));
    expect(error).toBeInstanceOf(DocumentsUnavailable);
    expect(String(error)).toContain(reason);
    server.fault = () => undefined;
    const outcomes = await store.put(events, eventsTo(3));
    expect(new Set([...outcomes, 'stored', 'exists']).size).toBe(2);
    expect(await store.count(events)).toBe(3);
  });

  test('is told to come again where the server confirms only some of its set', async () => {
    const store = await declared();
    breaking({ kind: 'other', text: '[{"ok":true,"id":"event-0","rev":"1-a"}]' }, '_bulk_docs');
    await expect(store.put(events, eventsTo(2))).rejects.toThrow('not one of CouchDB');
    const rows = '[{"id":"event-0","error":"internal_server_error","reason":"timeout"}]';
    breaking({ kind: 'other', text: rows }, '_bulk_docs');
    await expect(store.put(events, [event(0)])).rejects.toThrow(DocumentsUnavailable);
  });

  test('waits for a slow server, but no longer than its time', async () => {
    const [patient, hasty] = [await declared(), await declared({ timeoutMs: 200 })];
    breaking({ kind: 'slow' }, '_bulk_docs');
    const slow = patient.put(events, [event(0)]);
    await expect(hasty.put(events, [event(1)])).rejects.toThrow('no answer within 200 ms');
    expect(server.heldCount).toBe(2);
    server.release();
    expect(await slow).toEqual(['stored']);
  });
});

describe('every other call', () => {
  const calls: readonly (readonly [string, string, (store: DocumentStore) => Promise<unknown>])[] = [
    ['get', '_all_docs', (store) => store.get(events, 'event-0')],
    ['find', '_find', (store) => store.find(events)],
    ['count', events, (store) => store.count(events)],
    ['ping', '/', (store) => store.ping()],
    ['ensure', '_index', (store) => store.ensureCollection('made_now', { indexes: eventIndexes })],
  ];
  test.each(calls)('%s is refused in time by each fault', async (_, ending, call) => {
    const store = await declared({ timeoutMs: 300 });
    for (const [title, fault] of faults.filter((one) => one[1].kind !== 'other')) {
      breaking(fault, ending);
      const isTold = (await faultOf(call(store))) instanceof DocumentsUnavailable;
      expect([title, isTold]).toEqual([title, true]);
    }
  });
});

describe('a server that is down', () => {
  test('refuses at once, and its store makes the collection once it is there', async () => {
    await server.kill();
    const store = opened();
    await expect(store.ensureCollection(events, { indexes: eventIndexes })).rejects.toThrow(DocumentsUnavailable);
    await expect(store.put(events, [event(0)])).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(await store.put(events, [event(0)])).toEqual(['stored']);
    expect((await store.find(events)).items).toEqual([event(0)]);
  });

  test('is noticed without a call, told once a change, and so is its return', async () => {
    const log = keptLog();
    const store = opened({ beatEveryMs: 20, log });
    const seen: boolean[] = [];
    store.watchHealth(({ isUp }) => seen.push(isUp));
    await vi.waitFor(() => expect(seen.at(-1)).toBe(true), eventually);
    await server.kill();
    await vi.waitFor(() => expect(seen.at(-1)).toBe(false), eventually);
    await server.restart();
    await vi.waitFor(() => expect(seen.at(-1)).toBe(true), eventually);
    expect(seen).toEqual([false, true, false, true]);
    expect(log.lines.map((line) => line.split(' {')[0])).toEqual([
      'The document store is unreachable',
      'The document store is back',
    ]);
  });

  test('is not asked by more calls than a process can hold', async () => {
    const store = await declared();
    breaking({ kind: 'slow' }, '_all_docs');
    const calls = Array.from({ length: 257 }, () => store.get(events, 'event-0'));
    await expect(calls.at(-1)).rejects.toThrow('256 calls are under way');
    await vi.waitFor(() => expect(server.heldCount).toBe(256), eventually);
    server.release();
    expect(new Set(await Promise.all(calls.slice(0, -1)))).toEqual(new Set([undefined]));
  });
});

test('no secret stands in an error, a log or a health, whoever is asked', async () => {
  const [user, password] = ['sofipo-user', 'se/cr@t ñ'];
  const log = keptLog();
  const said: string[] = [];
  const texts: readonly Fault[] = [
    status(401, JSON.stringify({ error: 'unauthorized', reason: `no ${user} with ${password}` })),
    status(500, JSON.stringify({ error: encodeURIComponent(password), reason: 'x' })),
    { kind: 'cut', type: undefined },
  ];
  const store = opened({ address: { ...server.address, user, password }, log });
  store.watchHealth((health) => said.push(inspect(health, { depth: 10, showHidden: true })));
  for (const fault of texts) {
    breaking(fault);
    const error = await faultOf(store.ensureCollection(events, { indexes: eventIndexes }));
    said.push(inspect(error, { depth: 20, showHidden: true }));
  }
  await server.kill();
  said.push(inspect(await faultOf(store.ping()), { depth: 20, showHidden: true }));
  const all = [...said, ...log.lines].join('\n');
  expect(all).toContain('ECONNREFUSED');
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  for (const form of [user, password, encodeURIComponent(password), basic]) expect(all).not.toContain(form);
});

test('calls and documents are counted by words of the port alone', async () => {
  const metrics = createMetrics({ service: 'sofipo' });
  const store = await declared({ observe: documentMetrics(metrics) });
  await store.put(events, [event(0), event(1), event(2, { _id: 'ñ' })]);
  await store.put(events, [event(0), event(1, { other: 1 })]);
  await faultOf(store.put('never_declared', [event(0)]));
  breaking(status(500, '{}'), '_find');
  await faultOf(store.find(events));
  const { text } = await metrics.exposition();
  const lines = text.split('\n').filter((line) => /^quinta_documents_(put_total|call_seconds_count)/.test(line));
  expect(lines.toSorted()).toEqual(
    [
      'quinta_documents_call_seconds_count{service="sofipo",operation="ensure",outcome="done"} 1',
      'quinta_documents_call_seconds_count{service="sofipo",operation="find",outcome="unavailable"} 1',
      'quinta_documents_call_seconds_count{service="sofipo",operation="ping",outcome="done"} 1',
      'quinta_documents_call_seconds_count{service="sofipo",operation="put",outcome="done"} 2',
      'quinta_documents_put_total{service="sofipo",outcome="differs"} 1',
      'quinta_documents_put_total{service="sofipo",outcome="exists"} 1',
      'quinta_documents_put_total{service="sofipo",outcome="refused"} 1',
      'quinta_documents_put_total{service="sofipo",outcome="stored"} 2',
    ].toSorted(),
  );
  await metrics.close();
});
