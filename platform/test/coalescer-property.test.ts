import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCoalescer, type SetObservation } from '../src/database/coalescer.ts';
import { realDatabases } from '../src/testing/real-databases.ts';
import { openScratch, type Scratch } from '../src/testing/scratch-database.ts';
import { answerFaults, type Answered, bookFaults, type Ledger, readLedger } from './coalescer-checks.ts';
import { insist, seed } from './coalescer-clients.ts';
import { ledgerTables, type Payment, paySet, poison, uuidOf } from './coalescer-ledger.ts';

const coinsMax = 3;
const accountCount = 3;
const numRuns = 70;

/** A payment before it has a place in the tables; keys and accounts are few, so that they meet. */
interface Wish {
  readonly key: number;
  /** The one after the last is not there. */
  readonly account: number;
  readonly note: string;
  /** How many turns of the event loop pass before it comes. */
  readonly pause: number;
  /** Which process it comes to. */
  readonly process: number;
}

const wish: fc.Arbitrary<Wish> = fc
  .record({
    key: fc.nat({ max: 9 }),
    stray: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat({ max: 3 }) }),
    note: fc.oneof(
      { weight: 8, arbitrary: fc.constant('bread') },
      { weight: 1, arbitrary: fc.constantFrom('salt', poison) },
    ),
    pause: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 3 }) }),
    process: fc.nat({ max: 2 }),
  })
  // A key mostly comes back with its own account.
  .map(({ stray, ...rest }) => ({ ...rest, account: stray ?? rest.key % accountCount }));
const wishes = fc.array(wish, { minLength: 1, maxLength: 40 });
const purses = fc.array(fc.nat({ max: coinsMax }), { minLength: accountCount, maxLength: accountCount });

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`sets on ${real.name} (QUINTA_TEST_SEED=${seed})`, () => {
    let scratch: Scratch;
    let rounds = 0;
    beforeAll(async () => {
      scratch = await openScratch(real);
      for (const sql of ledgerTables(real.dialect)) await scratch.run(sql);
    });
    afterAll(() => scratch.close());

    /** Accounts of their own, so that no round sees another's. */
    async function openRound(purse: readonly number[]): Promise<Round> {
      rounds += 1;
      const [round, base] = [rounds, rounds * 10];
      await scratch.run(
        `insert into accounts (id, coins) values ${purse.map((coins, place) => `(${base + place}, ${coins})`).join(', ')}`,
      );
      const accounts = purse.map((_, place) => base + place);
      return {
        before: new Map(purse.map((coins, place) => [base + place, coins])),
        paymentOf: ({ key, account, note }) => ({ key: uuidOf(`${round} ${key}`), account: base + account, note }),
        read: (payments) =>
          readLedger(
            scratch.run,
            payments.map(({ key }) => key),
            accounts,
          ),
      };
    }

    test('are what the same commands are one by one, and leave the same rows', async () => {
      const seen: SetObservation[] = [];
      const outcomes = new Set<string>();
      await fc.assert(
        fc.asyncProperty(wishes, purses, fc.integer({ min: 1, max: 16 }), async (wanted, purse, setMax) => {
          const takes = purse[0] === undefined || purse[0] % 2 === 0 ? 'all' : 'half';
          const [together, alone] = [await openRound(purse), await openRound(purse)];
          const run = paySet(scratch.database);
          const coalescer = createCoalescer({
            operation: 'test',
            takes,
            setMax,
            run,
            observe: (set) => seen.push(set),
          });
          const answers = await submitAll(wanted, (one) =>
            insist((payment) => coalescer.submit(payment), together.paymentOf(one)),
          );
          const expected: Answered[] = [];
          for (const one of wanted) {
            const payment = alone.paymentOf(one);
            const [outcome = 'raised'] = await run([payment]).catch(() => ['raised'] as const);
            expected.push({ payment, outcome });
          }
          for (const { outcome } of answers) outcomes.add(outcome);
          expect(answers.map(({ outcome }) => outcome)).toEqual(expected.map(({ outcome }) => outcome));
          expect(rowsIn(await together.read(answers.map(({ payment }) => payment)), wanted, together)).toEqual(
            rowsIn(await alone.read(expected.map(({ payment }) => payment)), wanted, alone),
          );
        }),
        { seed, numRuns },
      );
      // That it was no shallow run: whatever can become of a payment became of one, and sets were large and split.
      expect([...outcomes].toSorted()).toEqual(everyOutcome);
      expect(Math.max(...seen.map(({ size }) => size))).toBeGreaterThan(8);
      expect(seen.some(({ wasBisected }) => wasBisected)).toBe(true);
    });

    test('of several processes, two at once in each, keep the books and answer as they say', async () => {
      const pools = [scratch.database, scratch.open(), scratch.open()];
      await fc.assert(
        fc.asyncProperty(wishes, purses, fc.integer({ min: 1, max: 16 }), async (wanted, purse, setMax) => {
          const round = await openRound(purse);
          const processes = pools.map((pool, place) =>
            createCoalescer({ operation: 'test', setMax, inFlightMax: 1 + (place % 2), run: paySet(pool) }),
          );
          const answers = await submitAll(wanted, (one) =>
            insist((payment) => processOf(processes, one).submit(payment), round.paymentOf(one)),
          );
          const ledger = await round.read(answers.map(({ payment }) => payment));
          expect(answers.filter(({ outcome }) => outcome === 'lost')).toEqual([]);
          expect([...bookFaults(round.before, ledger), ...answerFaults(answers, ledger)]).toEqual([]);
        }),
        { seed, numRuns },
      );
    });
  });
}

const everyOutcome = ['empty', 'empty before', 'paid', 'paid before', 'raised', 'reused', 'unknown'];

function processOf<Process>(processes: readonly Process[], { process }: Wish): Process {
  const found = processes[process];
  if (!found) throw new Error(`There is no process ${process}`);
  return found;
}

interface Round {
  readonly before: ReadonlyMap<number, number>;
  paymentOf(one: Wish): Payment;
  read(payments: readonly Payment[]): Promise<Ledger>;
}

/** Lets the wishes come as they say, in their order, and waits for all. */
async function submitAll(wanted: readonly Wish[], submit: (one: Wish) => Promise<Answered>): Promise<Answered[]> {
  const answers: Promise<Answered>[] = [];
  for (const one of wanted) {
    for (let turn = 0; turn < one.pause; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    answers.push(submit(one));
  }
  return Promise.all(answers);
}

/** The rows in the order of the wishes, in whose words two rounds can be compared. */
function rowsIn(ledger: Ledger, wanted: readonly Wish[], round: Round): unknown {
  const wishOf = new Map(wanted.map((one) => [round.paymentOf(one).key, one.key]));
  const first = Math.min(...round.before.keys());
  const named = (key: string): number | undefined => wishOf.get(key);
  return {
    coins: [...ledger.coins.values()],
    keys: [...ledger.keys]
      .map(([key, { account, note }]) => ({ key: named(key) ?? -1, account: account - first, note }))
      .toSorted((one, other) => one.key - other.key),
    payments: ledger.payments.map(({ key, account, note }) => [named(key), account - first, note]),
    audited: ledger.audited.map(({ key, action }) => [named(key), action]),
    told: ledger.told.map(({ key, account }) => [named(key), account - first]),
  };
}
