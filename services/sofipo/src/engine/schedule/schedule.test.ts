import { formatMinor } from '@quinta/platform/kernel';
import { describe, expect, it } from 'vitest';

import { column, day, loan, pesos, rate } from '../../testing/builders.ts';
import { LendingRefusal } from '../refusal.ts';
import { rational } from '../number/rational.ts';
import { simulate } from '../simulate.ts';
import { amortize } from './amortize.ts';
import { amortizeFast, fastPlan } from './amortize-fast.ts';
import { planOf } from './lasting-plan.ts';
import { generateSchedule } from './schedule.ts';
import { amountMax, type LoanTerms } from './terms.ts';

const base = loan({ amount: pesos('50000'), interestRate: rate('0.15'), term: 24 });

function refusalOf(terms: LoanTerms): Pick<LendingRefusal, 'code' | 'field'> | undefined {
  try {
    generateSchedule(terms);
    return undefined;
  } catch (error) {
    if (error instanceof LendingRefusal) return { code: error.code, field: error.field };
    throw error;
  }
}

describe('terms that allow no schedule', () => {
  it.each<[string, Partial<LoanTerms>, string, string]>([
    ['no amount', { amount: 0n }, 'out_of_range', 'amount'],
    ['too large an amount', { amount: amountMax + 1n }, 'out_of_range', 'amount'],
    ['no instalment', { term: 0 }, 'out_of_range', 'term'],
    ['half an instalment', { term: 1.5 }, 'out_of_range', 'term'],
    ['too many instalments', { term: 1_201 }, 'out_of_range', 'term'],
    ['a rate beyond all rates', { interestRate: rate('100.0001') }, 'out_of_range', 'interest_rate'],
    ['a rate of too many digits', { interestRate: rate('0.1234567890123') }, 'out_of_range', 'interest_rate'],
    ['a negative rate', { interestRate: rational(-1n, 10n) }, 'out_of_range', 'interest_rate'],
    ['a negative VAT', { vatRate: rational(-1n, 10n) }, 'out_of_range', 'vat_rate'],
    ['a negative opening rate', { fees: { openingRate: rational(-1n, 10n) } }, 'out_of_range', 'fees.opening_rate'],
    ['a negative opening fee', { fees: { openingAmount: -1n } }, 'out_of_range', 'fees.opening_amount'],
    ['a negative fee', { fees: { perInstallment: -1n } }, 'out_of_range', 'fees.per_installment'],
    ['no multiple', { installmentMultiple: 0n }, 'out_of_range', 'installment_multiple'],
    ['no agreed instalment', { fixedInstallment: 0n }, 'out_of_range', 'fixed_installment'],
    ['grace to the end', { graceOnPrincipal: 24 }, 'out_of_range', 'grace_on_principal'],
    ['interest never paid', { graceOnInterest: 24 }, 'out_of_range', 'grace_on_interest'],
    ['due before the start', { firstDueDate: day('2024-01-01') }, 'out_of_range', 'first_due_date'],
    [
      'an agreed instalment of a flat loan',
      { fixedInstallment: 1n, method: 'flat' },
      'conflicting_terms',
      'fixed_installment',
    ],
    [
      'an agreed instalment and grace',
      { fixedInstallment: 1n, graceOnPrincipal: 1 },
      'conflicting_terms',
      'fixed_installment',
    ],
    [
      'an instalment rounded to nothing',
      { installmentMultiple: pesos('10000') },
      'negative_amortization',
      'installment_multiple',
    ],
    [
      'an instalment rounded to too much',
      { installmentMultiple: pesos('4000') },
      'finishes_early',
      'installment_multiple',
    ],
    [
      'principal rounded to too much',
      { method: 'equal_principal', installmentMultiple: pesos('2500') },
      'finishes_early',
      'installment_multiple',
    ],
    [
      'an agreed instalment below the interest',
      { fixedInstallment: pesos('600') },
      'never_pays_off',
      'fixed_installment',
    ],
    [
      'an agreed instalment that takes too long',
      { fixedInstallment: pesos('700') },
      'never_pays_off',
      'fixed_installment',
    ],
    [
      'a rate at which months of 31 days cost more than the instalment',
      { interestRate: rate('3'), dayCount: 'actual/365', term: 60 },
      'negative_amortization',
      'interest_rate',
    ],
    [
      'a first period that costs more than the instalment',
      { firstDueDate: day('2027-01-01'), interestRate: rate('0.6') },
      'negative_amortization',
      'first_due_date',
    ],
  ])('%s', (_, terms, code, field) => {
    expect(refusalOf({ ...base, ...terms })).toEqual({ code, field });
  });

  it('are told with what was given and what would do', () => {
    expect(() => generateSchedule({ ...base, term: 0 })).toThrow('term is 0: expected a whole number from 1 to 1200');
    expect(() => generateSchedule({ ...base, fixedInstallment: pesos('600') })).toThrow(
      'fixed_installment is such that instalment 1 of 600.00 is less than its interest: expected an instalment of at least 625.00',
    );
  });
});

describe('a schedule', () => {
  it('of a bullet loan pays interest, and principal at the end', () => {
    const { installments } = generateSchedule({ ...base, method: 'bullet', term: 3 });
    expect(column(installments.map(({ total }) => total))).toBe('625.00 625.00 50625.00');
  });

  it('in grace on principal pays interest only', () => {
    const { installments } = generateSchedule({ ...base, term: 6, graceOnPrincipal: 2 });
    const without = generateSchedule({ ...base, term: 4 });
    expect(column(installments.slice(0, 2).map(({ total }) => total))).toBe('625.00 625.00');
    expect(installments.slice(2).map(({ total }) => total)).toEqual(without.installments.map(({ total }) => total));
  });

  it('in grace on interest pays it later, without interest on it', () => {
    const deferred = generateSchedule({ ...base, term: 4, graceOnInterest: 2, vatRate: rate('0.16') });
    const plain = generateSchedule({ ...base, term: 4, vatRate: rate('0.16') });
    expect(column(deferred.installments.map(({ interest }) => interest))).toBe('0.00 0.00 1413.03 159.17');
    expect(column(plain.installments.map(({ interest }) => interest))).toBe('625.00 471.65 316.38 159.17');
    expect(deferred.totals.interest).toBe(plain.totals.interest);
    expect(deferred.installments[0]?.vat).toBe(0n);
  });

  it('charges VAT on interest, and on fees where that is asked for', () => {
    const fees = { openingRate: rate('0.02'), openingAmount: pesos('100'), perInstallment: pesos('58.03') };
    const taxed = generateSchedule({ ...base, vatRate: rate('0.16'), vatOnFees: true, fees });
    expect(taxed.installments[0]).toMatchObject({
      vat: pesos('109.28'),
      fees: pesos('58.03'),
      total: pesos('2591.64'),
    });
    expect(taxed.opening).toEqual({ fees: pesos('1100'), vat: pesos('176') });
    const untaxed = generateSchedule({ ...base, vatRate: rate('0.16'), fees });
    expect(untaxed.installments[0]?.vat).toBe(pesos('100.00'));
    expect(untaxed.opening.vat).toBe(0n);
    expect(untaxed.totals.fees).toBe(pesos('58.03') * 24n);
  });

  it('charges 64.00 of VAT on 400.00 of interest', () => {
    const { installments } = generateSchedule({ ...base, amount: pesos('32000'), vatRate: rate('0.16') });
    expect(formatMinor(installments[0]?.vat ?? 0n)).toBe('64.00');
  });

  it('of the largest amount is exact where doubles are not', () => {
    const terms = { ...base, amount: amountMax, interestRate: rate('0.1499'), term: 360 };
    expect(fastPlan(planOf(terms))).toBeUndefined();
    const { installments, totals } = generateSchedule(terms);
    expect(installments[0]?.interest).toBe(12_491_666_666_667n);
    expect(totals.principal).toBe(amountMax);
    expect(installments.at(-1)?.balance).toBe(0n);
  });

  it('of 1,200 instalments is rounded down rather than paid off too soon', () => {
    const { installments } = generateSchedule({ ...base, interestRate: rate('0.149'), term: 720 });
    expect(installments).toHaveLength(720);
    expect(installments.every(({ principal, total }) => principal >= 0n && total > 0n)).toBe(true);
    expect(installments.at(-1)?.balance).toBe(0n);
  });

  it('of one centavo in many parts has its centavo in the last', () => {
    const { installments } = generateSchedule({ ...base, amount: 1n, term: 12 });
    expect(installments.map(({ principal }) => principal)).toEqual([...Array.from({ length: 11 }, () => 0n), 1n]);
  });

  it('is the same in doubles and in bigints where both are allowed', () => {
    const plan = planOf({ ...base, dayCount: 'actual/365', vatRate: rate('0.16'), vatOnFees: true });
    const fast = fastPlan(plan);
    const inDoubles = fast && amortizeFast(plan, fast);
    const exact = amortize(plan);
    expect(inDoubles?.interest.map(BigInt)).toEqual(exact.interest);
    expect(inDoubles?.principal.map(BigInt)).toEqual(exact.principal);
    expect(inDoubles?.vat.map(BigInt)).toEqual(exact.vat);
  });

  it('under a count of days has an instalment of 30/365 of the year', () => {
    const terms = { ...base, amount: pesos('5000'), interestRate: rate('0.12'), term: 6, installmentMultiple: 100n };
    const byDays = generateSchedule({ ...terms, dayCount: 'actual/365' });
    expect(formatMinor(byDays.installments[0]?.total ?? 0n)).toBe('862.00');
    expect(formatMinor(generateSchedule(terms).installments[0]?.total ?? 0n)).toBe('863.00');
  });

  it('is what a simulation shows, with the CAT', () => {
    const { cat, ...schedule } = simulate(base);
    expect(schedule).toEqual(generateSchedule(base));
    expect(cat?.percent).toBe(16.1);
  });
});
