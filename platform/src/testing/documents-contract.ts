import { expect, test, vi } from 'vitest';
import { type DocumentQuery, DocumentsUnavailable, type JsonDocument, type PutOutcome } from '../documents/index.ts';
import { boundTests } from './documents-contract-bounds.ts';
import { loadTests } from './documents-contract-load.ts';
import { type DocumentsFixture, event, eventIndexes, events, eventsTo, type Story } from './documents-fixture.ts';

/** Registers the tests that every adapter of the documents port passes; call it inside a `describe`. */
export function documentsContract(open: () => Promise<DocumentsFixture>): void {
  const story: Story = (title, world) =>
    test(title, async () => {
      expect.hasAssertions();
      const fixture = await open();
      try {
        for (const store of [fixture.first, fixture.second]) {
          await store.ensureCollection(events, { indexes: eventIndexes });
        }
        await world(fixture);
      } finally {
        await fixture.close();
      }
    });
  putTests(story);
  raceTests(story);
  findTests(story);
  pagingTests(story);
  boundTests(story);
  loadTests(story);
  lifeTests(story);
}

function putTests(story: Story): void {
  story('stores what it is given, and gives it back as it was, to every store', async ({ first, second }) => {
    const strange = event(1, {
      text: 'ñandú 🐎\r\n\u0000"\\\\ud800 ',
      'a.b': [1.5, -0.25, 1e21, true, null, { deep: [[]] }],
      empty: {},
      '': '',
    });
    expect(await first.put(events, [event(0), strange])).toEqual(['stored', 'stored']);
    expect(await second.get(events, 'event-1')).toEqual(strange);
    expect(await second.get(events, 'event-7')).toBeUndefined();
    expect(await first.put(events, [])).toEqual([]);
    expect(await second.count(events)).toBe(2);
  });
  story('says that a document exists, whatever the order of its names, or that another does', async (fixture) => {
    const { first, second } = fixture;
    await first.put(events, [event(0), event(1)]);
    const turned = Object.fromEntries(Object.entries(event(1)).toReversed()) as unknown as JsonDocument; // the same names
    expect(await second.put(events, [event(0), turned, event(2)])).toEqual(['exists', 'exists', 'stored']);
    expect(await second.put(events, [event(0, { amount: 1 }), event(3)])).toEqual(['differs', 'stored']);
    expect(await first.get(events, 'event-0')).toEqual(event(0));
    expect(await first.count(events)).toBe(4);
  });
  story('takes the same id twice in one set as two puts', async ({ first }) => {
    const set = [event(0), event(0), event(0, { other: true }), event(1)];
    expect(await first.put(events, set)).toEqual(['stored', 'exists', 'differs', 'stored']);
    expect(await first.put(events, set.toReversed())).toEqual(['exists', 'differs', 'exists', 'exists']);
  });
  story('tells ids apart that differ in letter case alone', async ({ first }) => {
    const set = [event(0, { _id: 'a' }), event(1, { _id: 'A' }), event(2, { _id: "!~/?#%+a,b'" })];
    expect(await first.put(events, set)).toEqual(['stored', 'stored', 'stored']);
    for (const document of set) expect(await first.get(events, document._id)).toEqual(document);
  });
  story('keeps collections apart', async ({ first }) => {
    await first.ensureCollection('others', { indexes: { instant: 'timestamp' } });
    expect(await first.put(events, [event(0)])).toEqual(['stored']);
    expect(await first.put('others', [event(0, { other: 1 })])).toEqual(['stored']);
    expect(await first.get('others', 'event-0')).toHaveProperty('other');
    expect(await first.count('others')).toBe(1);
    expect((await first.find(events)).items).toEqual([event(0)]);
  });
}

function raceTests(story: Story): void {
  story('stores one of 50 that put the same at once', async ({ first, second }) => {
    const puts = Array.from({ length: 50 }, (_, turn) => (turn % 2 === 0 ? first : second).put(events, [event(0)]));
    const outcomes = (await Promise.all(puts)).flat();
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'exists')).toHaveLength(49);
    expect(await first.count(events)).toBe(1);
  });
  story('stores one of 50 that differ, and tells the others so', async ({ first, second }) => {
    const put = (turn: number): Promise<readonly PutOutcome[]> =>
      (turn % 2 === 0 ? first : second).put(events, [event(0, { turn })]);
    const outcomes = (await Promise.all(Array.from({ length: 50 }, (_, turn) => put(turn)))).flat();
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'differs')).toHaveLength(49);
    expect(await second.get(events, 'event-0')).toEqual(event(0, { turn: outcomes.indexOf('stored') }));
  });
  story('stores each once of sets that overlap in any order', async ({ first, second }) => {
    const all = eventsTo(60);
    const sets = [all, all.toReversed(), all.slice(20), all.slice(0, 40).toReversed()];
    const puts = sets.map((set, turn) => (turn % 2 === 0 ? first : second).put(events, set));
    const outcomes = (await Promise.all(puts)).flat();
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(60);
    expect(new Set(outcomes)).toEqual(new Set(['stored', 'exists']));
    expect(await first.count(events)).toBe(60);
  });
  story('makes a collection once, however many ask for it at once', async ({ first, second }) => {
    const indexes = { instant: 'timestamp', fields: ['event_type', 'entity_id'] };
    const stores = Array.from({ length: 10 }, (_, turn) => (turn % 2 === 0 ? first : second));
    await Promise.all(stores.map((store) => store.ensureCollection('made_at_once', { indexes })));
    expect(await first.put('made_at_once', [event(0)])).toEqual(['stored']);
    const { items } = await second.find('made_at_once', { where: { entity_id: 'e0', event_type: 'loan_created' } });
    expect(items).toEqual([event(0)]);
  });
}

function numbersOf(documents: readonly JsonDocument[]): number[] {
  return documents.map(({ _id }) => Number(_id.slice('event-'.length)));
}

function findTests(story: Story): void {
  const cases: readonly (readonly [string, DocumentQuery, readonly number[]])[] = [
    ['all, the newest first', {}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]],
    ['all, the oldest first', { order: 'oldest' }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['one field', { where: { event_type: 'loan_created' } }, [8, 6, 4, 2, 0]],
    ['a field inside', { where: { 'payload.loan_id': 'l1' }, order: 'oldest' }, [0, 3, 6, 9]],
    ['two fields', { where: { event_type: 'loan_created', 'payload.loan_id': 'l1' } }, [6, 0]],
    ['one that nothing has', { where: { entity_id: 'E1' } }, []],
    ['a field not asked for', { where: { entity_id: undefined }, limit: 1 }, [9]],
    ['from an instant on', { from: new Date('2026-01-01T00:00:03Z') }, [9, 8, 7, 6]],
    ['up to an instant', { to: new Date('2026-01-01T00:00:01Z') }, [1, 0]],
    [
      'between two, of one field',
      {
        from: new Date('2026-01-01T00:00:01Z'),
        to: new Date('2026-01-01T00:00:04Z'),
        where: { event_type: 'loan_created' },
        order: 'oldest',
      },
      [2, 4, 6],
    ],
  ];
  story('finds by field and instant, in order', async ({ first, second }) => {
    await first.put(events, eventsTo(10));
    for (const [title, query, expected] of cases) {
      const { items, next } = await second.find(events, query);
      expect([title, ...numbersOf(items)]).toEqual([title, ...expected]);
      expect(next === null).toBe(query.limit === undefined);
    }
  });
  story('finds texts as they are, and nothing that is no text', async ({ first }) => {
    const values = ['a', 'A', 'a ', 'ä', 'ñ🐎', "'; drop", '%', '1', 1, null, ['a'], { a: 1 }];
    await first.put(
      events,
      values.map((entity_id, place) => event(place, { entity_id })),
    );
    for (const value of values.filter((one) => typeof one === 'string')) {
      const { items } = await first.find(events, { where: { entity_id: value } });
      expect(items.map((item) => item['entity_id'])).toEqual([value]);
    }
  });
}

function pagingTests(story: Story): void {
  for (const order of ['newest', 'oldest'] as const) {
    story(`pages through all of them once, the ${order} first, while others are put`, async ({ first, second }) => {
      // Ten share each instant, so that pages begin in the middle of one.
      const all = eventsTo(53).map((document, number) => ({
        ...document,
        timestamp: event(number - (number % 10))['timestamp'],
      }));
      await first.put(events, all);
      const seen: JsonDocument[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < 20; page += 1) {
        const { items, next } = await second.find(events, { order, limit: 4, cursor });
        seen.push(...items);
        if (next === null) break;
        cursor = next;
        const early = { _id: `early-${page}`, timestamp: '2025-06-01T00:00:00.000Z' };
        const late = { _id: `late-${page}`, timestamp: '2027-01-01T00:00:00.000Z' };
        await first.put(events, [event(100 + page, order === 'newest' ? late : early)]);
      }
      expect(seen.map(({ _id }) => _id).toSorted()).toEqual(all.map(({ _id }) => _id).toSorted());
      const instants = seen.map((document) => String(document['timestamp']));
      expect(instants).toEqual(order === 'newest' ? instants.toSorted().toReversed() : instants.toSorted());
    });
  }
  story('pages within bounds and a field, and ends', async ({ first }) => {
    await first.put(events, eventsTo(40));
    const query = { where: { event_type: 'loan_created' }, to: new Date('2026-01-01T00:00:15Z'), limit: 6 };
    const one = await first.find(events, query);
    const two = await first.find(events, { ...query, cursor: one.next ?? '' });
    const three = await first.find(events, { ...query, cursor: two.next ?? '' });
    expect([one, two, three].map(({ items }) => items.length)).toEqual([6, 6, 3]);
    expect(three.next).toBeNull();
    const numbers = [one, two, three].flatMap(({ items }) => items.map(({ _id }) => _id));
    expect(numbers).toEqual(Array.from({ length: 15 }, (_, place) => `event-${28 - 2 * place}`));
  });
}

function lifeTests(story: Story): void {
  story('answers a ping and tells its health', async ({ first }) => {
    expect(await first.ping()).toBeGreaterThanOrEqual(0);
    const seen: boolean[] = [];
    first.watchHealth(({ isUp }) => seen.push(isUp))();
    expect(seen).toEqual([true]);
  });
  story('closes twice and then refuses, while the other goes on', async ({ first, second }) => {
    await Promise.all([first.close(), first.close()]);
    const calls = [
      () => first.put(events, [event(0)]),
      () => first.get(events, 'a'),
      () => first.find(events),
      () => first.count(events),
      () => first.ping(),
      () => first.ensureCollection(events, { indexes: eventIndexes }),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(DocumentsUnavailable);
    expect(await second.put(events, [event(0)])).toEqual(['stored']);
  });
  story('makes an index that is asked for later, for what is there already', async ({ first, second }) => {
    await first.ensureCollection('grows', { indexes: { instant: 'timestamp' } });
    await first.put('grows', eventsTo(5));
    await second.ensureCollection('grows', { indexes: { instant: 'timestamp', fields: ['entity_id'] } });
    await vi.waitFor(async () => {
      const { items } = await second.find('grows', { where: { entity_id: 'e3' } });
      expect(items).toEqual([event(3)]);
    });
    await expect(first.find('grows', { where: { entity_id: 'e3' } })).rejects.toThrow(RangeError);
  });
}
