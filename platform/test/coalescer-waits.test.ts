import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { OpenOptions, SetObservation } from '../src/database/index.ts';
import { realDatabases } from '../src/testing/real-databases.ts';
import { insist } from './coalescer-clients.ts';
import { type LedgerWorld, openLedgerWorld, paymentOf } from './coalescer-world.ts';

const busy = { status: 503, code: 'database_busy', headers: { 'retry-after': '1' } };
const tooBusy = { status: 503, code: 'too_busy', headers: { 'retry-after': '1' } };
/** MariaDB shows the same picture of its locks to whoever looks again within a tenth of a second. */
const patience = { timeout: 30_000, interval: 120 };

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`sets that wait on ${real.name}`, () => {
    let world: LedgerWorld;
    beforeEach(async () => {
      world = await openLedgerWorld(real);
    });
    afterEach(() => world.close());

    const untilWaiting = (count: number): Promise<void> =>
      vi.waitFor(async () => expect(await world.waitingForLocks()).toBe(count), patience);

    const timeouts: readonly (readonly [string, Partial<OpenOptions>])[] = [
      ['lock', { lockTimeoutMs: 100 }],
      ['statement', { statementTimeoutMs: 300, lockTimeoutMs: 60_000 }],
    ];

    test.each(timeouts)(
      'for a lock longer than the %s timeout are not done at all, and not tried in halves',
      async (_limit, limits) => {
        const observed: SetObservation[] = [];
        const failed: string[] = [];
        const payer = world.payerOn({
          ...limits,
          observeSet: (set) => observed.push(set),
          observe: (operation, _, hasFailed) => void (hasFailed && failed.push(operation)),
        });
        const letGo = await world.lockAccount(1);
        const first = payer.submit(paymentOf('first', 2));
        const set = ['a', 'b', 'c', 'd'].map((name, place) => paymentOf(name, 1 + (place % 2)));
        const heard = await Promise.allSettled(set.map((payment) => payer.submit(payment)));
        expect(await first).toBe('paid');
        for (const answer of heard) expect(answer).toMatchObject({ status: 'rejected', reason: busy });
        expect(failed).toHaveLength(1);
        expect(observed.map(({ size, wasBisected }) => [size, wasBisected])).toEqual([
          [1, false],
          [4, false],
        ]);
        expect(await world.paidNotes()).toEqual(['first']);
        await letGo();
        const again = await Promise.all(set.map((payment) => insist((one) => payer.submit(one), payment)));
        expect(again.map(({ outcome }) => outcome)).toEqual(['paid', 'paid', 'paid', 'paid']);
        expect(await world.faultsAfter([...again, { payment: paymentOf('first', 2), outcome: 'paid' }])).toEqual([]);
      },
    );

    test('for each other in a circle are untied, and each is done once', async () => {
      if (real.dialect.name === 'postgresql') {
        await world.run(
          `do $$ begin execute format('alter database %I set deadlock_timeout = ''20ms''', current_database()); end $$`,
        );
      }
      let failed = 0;
      const observe = (_: string, __: number, hasFailed: boolean): void => {
        if (hasFailed) failed += 1;
      };
      const payers = [world.payerOn({ locks: 'ascending', observe }), world.payerOn({ locks: 'descending', observe })];
      const letGo = await world.lockAccount(2);
      // While its first command runs, the other three become one set; the middle one of its accounts is locked.
      const all = payers.flatMap((_, place) =>
        [1 + place * 2, 1, 2, 3].map((account, n) => paymentOf(`${place} ${n}`, account)),
      );
      const answers = payers.flatMap((payer, place) =>
        all.slice(place * 4, place * 4 + 4).map((one) => payer.submit(one)),
      );
      await untilWaiting(2);
      await letGo();
      expect(await Promise.all(answers)).toEqual(all.map(() => 'paid'));
      expect(failed).toBeGreaterThan(0);
      expect(await world.faultsAfter(all.map((payment) => ({ payment, outcome: 'paid' })))).toEqual([]);
    });

    test('behind a full queue are refused with 503, hold no place in it, and can come again', async () => {
      const queueMax = 40;
      const payer = world.payerOn({ queueMax, lockTimeoutMs: 60_000 });
      const letGo = await world.lockAccount(1);
      const all = Array.from({ length: 400 }, (_, place) => paymentOf(`${place}`));
      const answers = all.map((payment) => payer.submit(payment));
      const refused = await Promise.allSettled(answers.slice(1 + queueMax));
      for (const answer of refused) expect(answer).toMatchObject({ status: 'rejected', reason: tooBusy });
      expect([refused.length, payer.waiting]).toEqual([359, queueMax]);
      await letGo();
      const taken = await Promise.all(answers.slice(0, 1 + queueMax));
      expect(new Set(taken)).toEqual(new Set(['paid']));
      expect(await world.paidNotes()).toHaveLength(1 + queueMax);
      const again = await Promise.all(all.map((payment) => insist((one) => payer.submit(one), payment)));
      expect(again.filter(({ outcome }) => outcome === 'paid')).toHaveLength(359);
      expect(again.filter(({ outcome }) => outcome === 'paid before')).toHaveLength(1 + queueMax);
      expect(await world.faultsAfter(again)).toEqual([]);
    });

    test('are sent without those whose clients have gone; what was sent is done', async () => {
      const payer = world.payerOn();
      const letGo = await world.lockAccount(1);
      const clients = ['sent', 'stays', 'goes', 'stays too', 'goes too'].map((name) => {
        const client = new AbortController();
        return { name, client, answer: payer.submit(paymentOf(name), client.signal) };
      });
      await untilWaiting(1);
      for (const { name, client } of clients) if (!name.startsWith('stays')) client.abort();
      await letGo();
      const heard = await Promise.allSettled(clients.map(({ answer }) => answer));
      expect(heard.map(({ status }) => status)).toEqual([
        'fulfilled',
        'fulfilled',
        'rejected',
        'fulfilled',
        'rejected',
      ]);
      expect(await world.paidNotes()).toEqual(['sent', 'stays', 'stays too']);
      // Whoever comes back with the key of an abandoned payment is the first.
      const again = await Promise.all(clients.map(({ name }) => payer.submit(paymentOf(name))));
      expect(again).toEqual(['paid before', 'paid before', 'paid', 'paid before', 'paid']);
    });
  });
}
