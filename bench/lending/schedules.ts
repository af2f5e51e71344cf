import {
  addDays,
  calendarDate,
  generateSchedule,
  type LoanTerms,
  rational,
} from '../../services/sofipo/src/engine/index.ts';

/**
 * How many schedules of 24 instalments one process reckons a second and core. Run by the bench as a program of its own:
 * `schedules.ts <seconds>`. Every loan has an amount, a rate and a start of its own, and none is asked for twice.
 */
const seconds = Number(process.argv[2]);
const term = 24;
const batch = 500;
const firstDay = calendarDate(2024, 1, 1);
let loans = 0;

function nextTerms(): LoanTerms {
  loans += 1;
  return {
    amount: BigInt(1_000_000 + ((loans * 7_919) % 99_000_000)),
    interestRate: rational(BigInt(500 + ((loans * 31) % 9_000)), 10_000n),
    term,
    startDate: addDays(firstDay, (loans * 13) % 1_000),
  };
}

/** Goes on for so long; returns how many a second of CPU time, so that what else runs here takes nothing from it. */
function rateOf(work: (terms: LoanTerms) => number): number {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  let [done, instalments] = [0, 0];
  while (performance.now() - startedMs < seconds * 1_000) {
    for (let place = 0; place < batch; place += 1) instalments += work(nextTerms());
    done += batch;
  }
  if (instalments !== done * term) throw new Error(`${instalments} instalments of ${done} loans`);
  const { user, system } = process.cpuUsage(before);
  return done / ((user + system) / 1_000_000);
}

/** The limit: the same instalments in doubles, rounded to centavos, without dates, VAT, fees, checks and sums. */
function bareLoop({ amount, interestRate }: LoanTerms): number {
  const rate = Number(interestRate.numerator) / Number(interestRate.denominator) / 12;
  const level = Math.round((Number(amount) * rate) / (1 - (1 + rate) ** -term));
  const rows: { principal: number; interest: number; balance: number }[] = [];
  let balance = Number(amount);
  for (let number = 1; number <= term; number += 1) {
    const interest = Math.round(balance * rate);
    const principal = number === term ? balance : level - interest;
    balance -= principal;
    rows.push({ principal, interest, balance });
  }
  if (balance !== 0) throw new Error('The last balance is not nothing');
  return rows.length;
}

function whole(terms: LoanTerms): number {
  const { installments } = generateSchedule(terms);
  if (installments.at(-1)?.balance !== 0n) throw new Error('The last balance is not nothing');
  return installments.length;
}

const following = (terms: LoanTerms): number => whole({ ...terms, businessDays: 'following' });
const taxed = (terms: LoanTerms): number =>
  whole({ ...terms, dayCount: 'actual/360', vatRate: rational(16n, 100n), method: 'equal_principal' });

console.log(
  JSON.stringify({
    french: rateOf(whole),
    following: rateOf(following),
    taxed: rateOf(taxed),
    bare: rateOf(bareLoop),
  }),
);
