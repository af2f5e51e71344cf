import type { Rational } from '../number/rational.ts';
import { LendingRefusal } from '../refusal.ts';
import { amountMax, type LoanTerms, rateDenominatorMax, rateMax, termMax } from './terms.ts';

/** One thing that terms must hold; says what is wrong, or nothing. */
type TermRule = (terms: LoanTerms) => LendingRefusal | undefined;

const rules: readonly TermRule[] = [
  ({ amount }) => within('amount', amount, 1n, amountMax),
  ({ term }) => wholeWithin('term', term, 1, termMax),
  ({ interestRate }) => rateWithin('interest_rate', interestRate),
  ({ vatRate }) => vatRate && rateWithin('vat_rate', vatRate),
  ({ fees }) => fees?.openingRate && rateWithin('fees.opening_rate', fees.openingRate),
  ({ fees }) => within('fees.opening_amount', fees?.openingAmount ?? 0n, 0n, amountMax),
  ({ fees }) => within('fees.per_installment', fees?.perInstallment ?? 0n, 0n, amountMax),
  ({ installmentMultiple = 1n }) => within('installment_multiple', installmentMultiple, 1n, amountMax),
  ({ fixedInstallment = 1n }) => within('fixed_installment', fixedInstallment, 1n, amountMax),
  ({ graceOnPrincipal = 0, term }) => wholeWithin('grace_on_principal', graceOnPrincipal, 0, term - 1),
  ({ graceOnInterest = 0, term }) => wholeWithin('grace_on_interest', graceOnInterest, 0, term - 1),
  ({ firstDueDate, startDate }) =>
    firstDueDate === undefined || firstDueDate > startDate
      ? undefined
      : refuse('out_of_range', 'first_due_date', 'not after start_date', 'a day after start_date'),
  ({ fixedInstallment, method = 'french', graceOnPrincipal = 0, graceOnInterest = 0 }) =>
    fixedInstallment === undefined || (method === 'french' && graceOnPrincipal === 0 && graceOnInterest === 0)
      ? undefined
      : refuse('conflicting_terms', 'fixed_installment', `set with ${method} or grace`, 'french without grace'),
];

/** Throws the LendingRefusal of the first rule that the terms break. */
export function checkTerms(terms: LoanTerms): void {
  for (const rule of rules) {
    const refusal = rule(terms);
    if (refusal) throw refusal;
  }
}

function within(field: string, value: bigint, least: bigint, most: bigint): LendingRefusal | undefined {
  if (value >= least && value <= most) return undefined;
  return refuse('out_of_range', field, `${value} centavos`, `${least} to ${most} centavos`);
}

function wholeWithin(field: string, value: number, least: number, most: number): LendingRefusal | undefined {
  if (Number.isInteger(value) && value >= least && value <= most) return undefined;
  return refuse('out_of_range', field, String(value), `a whole number from ${least} to ${most}`);
}

function rateWithin(field: string, { numerator, denominator }: Rational): LendingRefusal | undefined {
  const isGood = numerator >= 0n && numerator <= rateMax * denominator && denominator <= rateDenominatorMax;
  const expected = `a fraction from 0 to ${rateMax} with at most 12 decimals`;
  return isGood ? undefined : refuse('out_of_range', field, `${numerator}/${denominator}`, expected);
}

function refuse(code: 'out_of_range' | 'conflicting_terms', ...words: [string, string, string]): LendingRefusal {
  const [field, given, expected] = words;
  return new LendingRefusal(code, { field, given, expected });
}
