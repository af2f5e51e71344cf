import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { type DocumentStore, DocumentsUnavailable, type JsonDocument, type PutOutcome } from '../documents/index.ts';
import { events, eventsTo, type Story } from './documents-fixture.ts';

const attemptsMax = 10_000;

/** A load that goes on while the store dies and comes back. */
export function loadTests(story: Story): void {
  story('has each document of a load once, though the store was killed in the middle', async (fixture) => {
    const { first, second, kill } = fixture;
    const all = eventsTo(200);
    let done = 0;
    const work = Array.from({ length: 8 }, async (_, worker) => {
      const outcomes: PutOutcome[] = [];
      for (const document of all.filter((__, place) => place % 8 === worker)) {
        outcomes.push(await putAtLast(worker % 2 === 0 ? first : second, document));
        done += 1;
      }
      return outcomes;
    });
    for (const share of [0.2, 0.4, 0.6]) {
      await vi.waitFor(() => expect(done).toBeGreaterThanOrEqual(share * all.length), { timeout: 20_000, interval: 1 });
      await kill();
    }
    const outcomes = (await Promise.all(work)).flat();
    expect(new Set(outcomes)).not.toContain('differs');
    expect(outcomes.filter((outcome) => typeof outcome !== 'string')).toEqual([]);
    expect(await first.count(events)).toBe(all.length);
    const { items } = await second.find(events, { limit: 1_000 });
    expect(new Set(items.map(({ _id }) => _id)).size).toBe(all.length);
  });
}

/** As a consumer does it: again and again while the store is not there. */
async function putAtLast(store: DocumentStore, document: JsonDocument): Promise<PutOutcome> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    try {
      const [outcome] = await store.put(events, [document]);
      if (outcome !== undefined) return outcome;
    } catch (error) {
      if (!(error instanceof DocumentsUnavailable)) throw error;
      await nextTurn();
    }
  }
  throw new Error('The store did not come back');
}
