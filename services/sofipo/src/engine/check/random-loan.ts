import { addDays, calendarDate } from '../calendar/calendar-date.ts';
import { rational } from '../number/rational.ts';
import { amountMax, type LoanTerms, termMax } from '../schedule/terms.ts';
import type { PrepaymentPolicy, ServicingTerms } from '../servicing/servicing-terms.ts';
import { type RandomSource, randomSource } from './random-source.ts';

const firstDay = calendarDate(2000, 1, 1);
const daysOfStart = 14_000;

/**
 * A loan of a run: ordinary ones for the most part, and among them what lies at the edges, from one centavo to the largest
 * amount, a single instalment to 1,200, no interest to a hundred times the amount a year.
 */
export function randomLoan(seed: number, number: number): { terms: ServicingTerms; random: RandomSource } {
  const random = randomSource(seed, number);
  const terms: ServicingTerms = {
    loan: randomTerms(random),
    accrual: random.pick(['schedule', 'daily']),
    prepayment: random.pick<PrepaymentPolicy>(['reduce_term', 'reduce_installment', 'next_installment']),
    ...lateTerms(random),
  };
  return { terms, random };
}

function randomTerms(random: RandomSource): LoanTerms {
  const term = random.oneIn(50) ? random.whole(1, termMax) : random.whole(1, 60);
  const startDate = addDays(firstDay, random.whole(0, daysOfStart));
  const amount = randomAmount(random);
  const method = random.pick(['french', 'french', 'equal_principal', 'flat', 'bullet'] as const);
  const hasGrace = random.oneIn(6) && term > 1;
  const isAgreed = method === 'french' && !hasGrace && random.oneIn(20);
  return {
    amount,
    term,
    startDate,
    method,
    interestRate: randomRate(random),
    frequency: random.pick(['monthly', 'monthly', 'fortnightly', 'biweekly', 'weekly']),
    dayCount: random.pick(['30/360', '30/360', 'actual/365', 'actual/360', 'actual/actual', '364']),
    rounding: random.pick(['half_even', 'half_up']),
    businessDays: random.pick(['none', 'following']),
    installmentMultiple: random.oneIn(6) ? random.pick([5n, 10n, 50n, 100n]) : 1n,
    ...(random.oneIn(10) ? { installmentRounding: 'ceil' } : {}),
    ...(random.oneIn(5) ? { firstDueDate: addDays(startDate, random.whole(1, 75)) } : {}),
    ...(hasGrace ? { graceOnPrincipal: random.whole(0, term - 1), graceOnInterest: random.whole(0, term - 1) } : {}),
    ...(isAgreed ? { fixedInstallment: amount / BigInt(random.whole(1, term)) + 1n } : {}),
    ...(random.oneIn(3)
      ? { vatRate: random.pick([rational(4n, 25n), rational(2n, 25n)]), vatOnFees: random.oneIn(2) }
      : {}),
    ...(random.oneIn(4)
      ? { fees: { perInstallment: BigInt(random.whole(0, 20_000)), openingRate: rational(1n, 50n) } }
      : {}),
  };
}

/** As many amounts of few digits as of many. */
function randomAmount(random: RandomSource): bigint {
  if (random.oneIn(200)) return amountMax;
  const digits = random.oneIn(10) ? random.whole(1, 15) : random.whole(4, 9);
  let amount = 0n;
  for (let digit = 0; digit < digits; digit += 1) amount = amount * 10n + BigInt(random.whole(0, 9));
  return amount === 0n ? 1n : amount;
}

function randomRate(random: RandomSource): LoanTerms['interestRate'] {
  if (random.oneIn(30)) return rational(0n, 1n);
  if (random.oneIn(100)) return rational(BigInt(random.whole(1, 100_000)), 1_000n);
  if (random.oneIn(20)) return rational(BigInt(random.whole(1, 2 ** 31)) * 232n + 1n, 10n ** 12n);
  return rational(BigInt(random.whole(1, 10_000)), 10_000n);
}

function lateTerms(random: RandomSource): Pick<ServicingTerms, 'lateFee' | 'penalty'> {
  const graceDays = random.whole(0, 5);
  if (random.oneIn(4)) return { lateFee: { amount: BigInt(random.whole(1, 50_000)), graceDays } };
  if (random.oneIn(3))
    return { penalty: { annualRate: rational(2n, 5n), daysPerYear: random.pick([360, 365]), graceDays } };
  return {};
}
