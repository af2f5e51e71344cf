import { expect } from 'vitest';
import type { DocumentQuery, DocumentStore, JsonDocument } from '../documents/index.ts';
import { event, eventIndexes, events, refusalsIn, type Story } from './documents-fixture.ts';

type Call = (store: DocumentStore) => Promise<unknown>;

const declare =
  (name: string, instant: string, fields: readonly string[]): Call =>
  (store) =>
    store.ensureCollection(name, { indexes: { instant, fields } });

/** What every adapter refuses before it asks anybody. */
export function boundTests(story: Story): void {
  const refused: Readonly<Record<string, (document: JsonDocument) => JsonDocument>> = {
    'printable ASCII': (document) => ({ ...document, _id: 'ñ' }),
    '1 to 128': (document) => ({ ...document, _id: '' }),
    'not begin with "_"': (document) => ({ ...document, _id: '_design/a' }),
    'a name beside _id': (document) => ({ ...document, _rev: '1-a' }),
    'no JSON': (document) => ({ ...document, amount: 1n }),
    'no Unicode': (document) => ({ ...document, text: '\ud800' }),
    bytes: (document) => ({ ...document, text: 'x'.repeat(1_048_577) }),
    timestamp: (document) => ({ ...document, timestamp: '2026-02-30T00:00:00Z' }),
    'must be an instant': (document) => ({ ...document, timestamp: '2026-01-01T00:00:00+01:00' }),
    'at most 1024 characters': (document) => ({ ...document, entity_id: 'x'.repeat(1_025) }),
  };
  story('refuses for good what no store would take, and stores the rest of the set', async ({ first }) => {
    const bad = Object.values(refused).map((spoil, place) => spoil(event(place)));
    const outcomes = await first.put(events, [event(100), ...bad, event(101)]);
    expect([outcomes.at(0), outcomes.at(-1)]).toEqual(['stored', 'stored']);
    const reasons = refusalsIn(outcomes.slice(1, -1));
    for (const [place, word] of Object.keys(refused).entries()) expect(reasons[place]).toContain(word);
    expect(reasons).toHaveLength(bad.length);
    expect(await first.count(events)).toBe(2);
  });
  story('stores a set that is too large for one message', async ({ first }) => {
    const large = Array.from({ length: 9 }, (_, number) => event(number, { text: '"'.repeat(500_000) }));
    expect(await first.put(events, large)).toEqual(large.map(() => 'stored'));
    expect(await first.put(events, large)).toEqual(large.map(() => 'exists'));
  });

  const queries: readonly DocumentQuery[] = [
    { limit: 0 },
    { limit: 1_001 },
    { limit: 1.5 },
    { cursor: 'none of ours' },
    { where: { amount: '1' } },
    { from: new Date(Number.NaN) },
    { to: new Date('+012026-01-01T00:00:00Z') },
  ];
  const calls: readonly Call[] = [
    (store) => store.put('never_declared', []),
    (store) =>
      store.put(
        events,
        Array.from({ length: 1_001 }, () => event(0)),
      ),
    declare('Events', 'timestamp', []),
    declare('_users', 'timestamp', []),
    declare('a', '_id', []),
    declare('a', 'timestamp', ['a"b']),
    declare('a', 'timestamp', ['timestamp']),
    declare('a', 'timestamp', ['a', 'b', 'c', 'd', 'e']),
  ];
  story('throws at what its caller cannot mean', async ({ first }) => {
    for (const query of queries) {
      await expect(first.find(events, query)).rejects.toThrow(RangeError);
    }
    for (const call of calls) await expect(call(first)).rejects.toThrow(RangeError);
    await first.ensureCollection(events, { indexes: eventIndexes });
    expect(await first.get(events, '../_all_docs')).toBeUndefined();
  });
}
