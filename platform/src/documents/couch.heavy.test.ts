import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { documentsContract } from '../testing/documents-contract.ts';
import { event, eventIndexes, events, eventsTo, refusalsIn } from '../testing/documents-fixture.ts';
import type { DocumentStore } from './contract.ts';
import { couchDocuments, type CouchDocumentsOptions } from './couch.ts';
import { CouchServer } from './test/couch-server.ts';
import { keptLog } from '../testing/kept-log.ts';
import { realCouches } from '../testing/real-couch.ts';

describe.each([
  ['couch', false],
  ['couch, of a server that finds by an index alone', true],
])('%s', (_, findsByIndexAlone) => {
  documentsContract(async () => {
    const server = await CouchServer.start();
    server.databases.findsByIndexAlone = findsByIndexAlone;
    const [first, second] = [couchDocuments({ address: server.address }), couchDocuments({ address: server.address })];
    return {
      first,
      second,
      kill: async () => {
        await server.kill();
        await server.restart();
      },
      close: async () => {
        await first.close();
        await second.close();
        await server.close();
      },
    };
  });
});

for (const real of realCouches()) {
  describe(real.name, () => {
    documentsContract(async () => {
      await real.clear([events, 'others', 'made_at_once', 'grows', 'a']);
      const [first, second] = [couchDocuments({ address: real.address }), couchDocuments({ address: real.address })];
      return {
        first,
        second,
        // Nobody here may stop it.
        kill: () => Promise.resolve(),
        close: async () => {
          await first.close();
          await second.close();
        },
      };
    });
  });
}

describe('on CouchDB', () => {
  let server: CouchServer;
  const open: DocumentStore[] = [];
  beforeEach(async () => {
    server = await CouchServer.start();
  });
  afterEach(async () => {
    for (const store of open.splice(0)) await store.close();
    await server.close();
  });

  const opened = async (options: Partial<CouchDocumentsOptions> = {}): Promise<DocumentStore> => {
    const store = couchDocuments({ address: server.address, ...options });
    open.push(store);
    await store.ensureCollection(events, { indexes: eventIndexes });
    return store;
  };

  test('what a rule of the database forbids is refused with its reason, and nothing else of the set', async () => {
    const store = await opened();
    server.databases.validate = ({ _id }) => (_id === 'event-1' ? { forbidden: 'no event of that kind' } : undefined);
    const outcomes = await store.put(events, [...eventsTo(3), event(1)]);
    expect([outcomes[0], outcomes[2]]).toEqual(['stored', 'stored']);
    expect(refusalsIn(outcomes)).toEqual([
      undefined,
      'forbidden: no event of that kind',
      undefined,
      'forbidden: no event of that kind',
    ]);
  });

  type Spoil = (databases: CouchServer['databases']) => void;
  const tooLarge: Spoil = (databases) => {
    databases.documentBytesMax = 1_000;
  };
  const malformed: Spoil = (databases) => {
    databases.refusesWhole = (document) => document['text'] !== undefined;
  };
  test.each([
    ['413', tooLarge, 'document_too_large: a document is too large'],
    ['400', malformed, 'bad_request: invalid UTF-8 JSON'],
  ])('a document for which all are refused with %s is found, and the others stored', async (_, spoil, reason) => {
    const store = await opened();
    spoil(server.databases);
    const set = eventsTo(20).map((one, place) => (place === 13 ? { ...one, text: 'x'.repeat(2_000) } : one));
    const outcomes = await store.put(events, set);
    expect(refusalsIn(outcomes)[13]).toBe(reason);
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(19);
    expect(await store.count(events)).toBe(19);
  });

  test('makes the system databases where it may', async () => {
    await opened();
    expect(server.databases.names).toEqual(['_users', '_replicator', events]);
  });

  test('goes on without the system databases where it may not make them, and says so', async () => {
    server.databases.isAdmin = false;
    const log = keptLog();
    const store = await opened({ log });
    expect(server.databases.names).toEqual([events]);
    expect(await store.put(events, [event(0)])).toEqual(['stored']);
    expect(log.lines.filter((line) => line.includes('You are not a server admin'))).toHaveLength(2);
  });

  test('makes a collection again that somebody deleted, with its indexes', async () => {
    const store = await opened();
    await store.put(events, [event(0)]);
    const seen: boolean[] = [];
    store.watchHealth(({ isUp }) => seen.push(isUp));
    server.databases.delete(events);
    await expect(store.put(events, [event(1)])).rejects.toThrow('Database does not exist');
    expect(seen).toEqual([true]);
    expect(await store.put(events, [event(0), event(1)])).toEqual(['stored', 'stored']);
    expect((await store.find(events)).items).toEqual([event(1), event(0)]);
  });

  test('counts and finds what others have written, without what holds indexes', async () => {
    const store = await opened();
    const foreign = {
      _id: '6e1295ed6c29495e54cc05947f18c8af',
      event_type: 'client_created',
      timestamp: '2026-01-01T00:00:00.123456Z',
    };
    server.databases.plant(events, foreign);
    server.databases.plant(events, { _id: 'without an instant', event_type: 'client_created' });
    server.databases.plant(events, { _id: 'with another', event_type: 'client_created', timestamp: 12 });
    expect(await store.count(events)).toBe(3);
    expect((await store.find(events, { where: { event_type: 'client_created' } })).items).toEqual([foreign]);
    expect(await store.get(events, 'x')).toBeUndefined();
  });

  test('signs in by user and password, and asks below the path of a proxy', async () => {
    const [user, password] = ['sofipo', 'p@ss:w/ñ'];
    server.credentials = `${user}:${password}`;
    const store = await opened({ address: { ...server.address, user, password } });
    expect(await store.put(events, [event(0)])).toEqual(['stored']);
    const below = couchDocuments({ address: { url: `${server.address.url}/couch/db`, user, password } });
    open.push(below);
    await expect(below.ping()).rejects.toThrow('Database does not exist');
    expect(server.requests.at(-1)?.path).toMatch(/^\/couch\/db\/?$/);
  });
});
