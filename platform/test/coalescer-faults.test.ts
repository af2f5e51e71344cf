import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realDatabases } from '../src/testing/real-databases.ts';
import { chanceOf, insist, manyPayments, payAll, seed } from './coalescer-clients.ts';
import type { Payment } from './coalescer-ledger.ts';
import { type Fate, type FaultProxy, loseOnce, openFaultProxy } from './coalescer-proxy.ts';
import { accounts, type LedgerWorld, openLedgerWorld, paymentOf } from './coalescer-world.ts';
import { uuidOf } from './coalescer-ledger.ts';

const unavailable = { status: 503, code: 'database_unavailable', headers: { 'retry-after': '1' } };
const clients = 24;

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(
    `a lost connection on ${real.name} (QUINTA_TEST_SEED=${seed})`,
    () => {
      const isMysql = real.dialect.name === 'mysql';
      let world: LedgerWorld;
      let proxy: FaultProxy;
      beforeEach(async () => {
        world = await openLedgerWorld(real);
        proxy = await openFaultProxy(world.url);
      });
      afterEach(async () => {
        await world.close();
        await proxy.close();
      });

      /** Where in the exchange the connection is lost, and what the server has by then. */
      const losses: readonly { where: string; at: 'set' | 'commit'; fate: Fate; isKept: boolean }[] = [
        { where: 'before the server has the set', at: 'set', fate: 'cut', isKept: false },
        {
          where: 'after the commit, before its answer',
          at: isMysql ? 'commit' : 'set',
          fate: 'unanswered',
          isKept: true,
        },
        ...(isMysql
          ? [{ where: 'before the server has the COMMIT', at: 'commit' as const, fate: 'cut' as const, isKept: false }]
          : []),
      ];

      test.each(losses)(
        '$where: all of the set hear 503, nothing is done again, and their keys decide',
        async (loss) => {
          const payer = world.payerOn({ url: proxy.url });
          const plan = loseOnce(loss.fate, uuidOf('c'), loss.at);
          proxy.decide = plan.decide;
          const first = payer.submit(paymentOf('first'));
          const set = ['a', 'b', 'c', 'b'].map((name) => paymentOf(name, name === 'a' ? 2 : 1));
          const heard = await Promise.allSettled(set.map((payment) => payer.submit(payment)));
          expect(await first).toBe('paid');
          expect(plan.isDone()).toBe(true);
          for (const answer of heard) expect(answer).toMatchObject({ status: 'rejected', reason: unavailable });
          expect(await world.paidNotes()).toEqual(loss.isKept ? ['a', 'b', 'c', 'first'] : ['first']);

          const again = await Promise.all(set.map((payment) => insist((one) => payer.submit(one), payment)));
          const fresh = loss.isKept ? 'paid before' : 'paid';
          expect(again.map(({ outcome }) => outcome)).toEqual([fresh, fresh, fresh, 'paid before']);
          expect(await world.faultsAfter([...again, { payment: paymentOf('first'), outcome: 'paid' }])).toEqual([]);
        },
      );

      test('at any moment, again and again, under two processes: what was acknowledged is there once', async () => {
        const chance = chanceOf(seed);
        let [lost, passed] = [0, 0];
        proxy.decide = () => {
          // By chance; only the first is lost for certain, since 400 payments may be no more than 25 sets.
          if ((lost > 0 || passed < 12) && chance() > 0.06) {
            passed += 1;
            return 'pass';
          }
          lost += 1;
          return chance() > 0.5 ? 'cut' : 'unanswered';
        };
        const payers = [1, 2].map((inFlightMax) => world.payerOn({ url: proxy.url, inFlightMax }));
        const payments = manyPayments(400, accounts, chance);
        const errands = await payAll(payments, clients, (payment: Payment, place) =>
          pick(payers, place).submit(payment),
        );
        expect(errands.filter(({ heard }) => heard.length > 0).length).toBeGreaterThan(0);
        expect(lost).toBeGreaterThan(0);
        expect(await world.faultsAfter(errands)).toEqual([]);
      });

      test('by the death of backends under load: what was acknowledged is there once', async () => {
        const payers = [1, 2].map((inFlightMax) => world.payerOn({ applicationName: 'the killed', inFlightMax }));
        const payments = manyPayments(400, accounts, chanceOf(seed));
        let answered = 0;
        const killings: Promise<void>[] = [];
        const errands = await payAll(payments, clients, async (payment, place) => {
          const outcome = await pick(payers, place).submit(payment);
          answered += 1;
          if (answered % 40 === 0) killings.push(killBackends(world, isMysql));
          return outcome;
        });
        await Promise.all(killings);
        expect(errands.flatMap(({ heard }) => heard)).toContain('database_unavailable');
        expect(await world.faultsAfter(errands)).toEqual([]);
      });
    },
  );
}

function pick<T>(all: readonly T[], place: number): T {
  const one = all[place % all.length];
  if (one === undefined) throw new Error('There is none to pick');
  return one;
}

/** Ends all connections of the payers, whatever they are doing. */
async function killBackends(world: LedgerWorld, isMysql: boolean): Promise<void> {
  const others = isMysql
    ? 'select id from information_schema.processlist where db = database() and id <> connection_id()'
    : "select pid as id from pg_stat_activity where application_name = 'the killed' and datname = current_database()";
  for (const { id } of await world.run(others)) await world.kill(Number(id)).catch(() => undefined);
}
