import { formatMinor } from '@quinta/platform/kernel';
import { describe, expect, it } from 'vitest';

import { column, day, loan, pesos, rate } from '../../testing/builders.ts';
import { disbursed, payment, stateOn } from '../../testing/servicing-builders.ts';
import { allocatePayment, type Claim } from './allocation.ts';
import type { LoanEvent } from './events.ts';
import { quotePayoff } from './replay.ts';
import type { ServicingTerms } from './servicing-terms.ts';
import type { LoanState } from './state.ts';

/** 5,000 at 12 % in six whole-peso instalments, interest by the day: the base of V28 to V34. */
const daily: ServicingTerms = {
  loan: loan({
    amount: pesos('5000'),
    interestRate: rate('0.12'),
    term: 6,
    startDate: day('2022-11-01'),
    dayCount: 'actual/365',
    installmentMultiple: 100n,
  }),
  accrual: 'daily',
};
const reducing: ServicingTerms = { ...daily, prepayment: 'reduce_installment' };

interface Serviced {
  readonly name: string;
  readonly terms: ServicingTerms;
  readonly events: readonly LoanEvent[];
  readonly rows: string;
  readonly totalInterest: string;
}

const serviced: readonly Serviced[] = [
  {
    name: 'V28 a peso more than the instalment',
    terms: daily,
    events: [payment('1', '2022-12-01', '863')],
    rows: '49.32/813.68/863.00 42.67/819.33/862.00 34.32/827.68/862.00 23.38/838.62/862.00 17.33/844.67/862.00 8.44/856.02/864.46',
    totalInterest: '175.46',
  },
  {
    name: 'V31 1,500 on the first due date lowers the instalments',
    terms: reducing,
    events: [payment('1', '2022-12-01', '1500')],
    rows: '49.32/1450.68/1500.00 36.17/694.83/731.00 29.09/701.91/731.00 19.82/711.18/731.00 14.69/716.31/731.00 7.15/725.09/732.24',
    totalInterest: '156.24',
  },
  {
    name: 'V34 1,000 and 2,000 on two due dates lower them twice',
    terms: reducing,
    events: [payment('1', '2022-12-01', '1000'), payment('2', '2023-01-01', '2000')],
    rows: '49.32/950.68/1000.00 41.27/1958.73/2000.00 21.31/514.69/536.00 14.51/521.49/536.00 10.75/525.25/536.00 5.22/529.16/534.38',
    totalInterest: '142.38',
  },
];

describe('published servicing', () => {
  it.each(serviced)('$name', ({ terms, events, rows, totalInterest }) => {
    const state = stateOn(terms, [disbursed('2022-11-01'), ...events], '2023-01-01');
    expect(rowsOf(state)).toBe(rows);
    const interest = state.installments.reduce((sum, row) => sum + row.interest, 0n);
    expect(formatMinor(interest)).toBe(totalInterest);
    expect(state.installments.at(-1)?.balance).toBe(0n);
  });

  it('V28 the balance after the payment', () => {
    const state = stateOn(daily, [disbursed('2022-11-01'), payment('1', '2022-12-01', '863')], '2022-12-01');
    expect(formatMinor(state.outstandingPrincipal)).toBe('4186.32');
    expect(state.payments.get('1')?.split).toMatchObject({ interest: pesos('49.32'), principal: pesos('813.68') });
  });

  it.each([
    { basis: 'pre_close_date', interest: '0.24', total: '83.81' },
    { basis: 'rest_date', interest: '0.49', total: '84.06' },
  ] as const)('V36 pay-off in the middle of a period, to the $basis', ({ basis, interest, total }) => {
    const terms = { loan: loan({ amount: pesos('100'), interestRate: rate('0.07'), term: 6 }) };
    const events = [disbursed('2024-01-01'), payment('1', '2024-02-01', '17.01')];
    const quote = quotePayoff(terms, events, day('2024-02-15'), basis);
    expect(formatMinor(quote?.split.interest ?? 0n)).toBe(interest);
    expect(formatMinor(quote?.total ?? 0n)).toBe(total);
  });

  it('V38 penalty and fee come before principal', () => {
    const terms = { loan: loan({ amount: pesos('3000'), interestRate: rate('0'), term: 3 }) };
    const charge = { kind: 'charge', date: day('2024-02-01'), amount: pesos('50') } as const;
    const events: readonly LoanEvent[] = [
      disbursed('2024-01-01'),
      { ...charge, id: 'c1', component: 'penalty' },
      { ...charge, id: 'c2', component: 'fee' },
      payment('1', '2024-02-01', '500'),
    ];
    const { split } = stateOn(terms, events, '2024-02-01').payments.get('1') ?? {};
    expect(split).toEqual({ penalty: 5000n, fee: 5000n, vat: 0n, interest: 0n, principal: 40_000n });
  });

  it('V38 one payment settles what is due and what is charged for later', () => {
    const claims: readonly Claim[] = [
      { timing: 'due', component: 'penalty', amount: pesos('50'), vat: 0n },
      { timing: 'in_advance', component: 'penalty', amount: pesos('50'), vat: 0n },
      { timing: 'in_advance', component: 'fee', amount: pesos('50'), vat: 0n },
      { timing: 'due', component: 'interest', amount: pesos('10'), vat: 0n },
      { timing: 'in_advance', component: 'interest', amount: pesos('20'), vat: 0n },
      { timing: 'in_advance', component: 'principal', amount: pesos('1000'), vat: 0n },
    ];
    const { split, rest } = allocatePayment(pesos('1180'), claims);
    expect(split).toEqual({ penalty: 10_000n, fee: 5000n, vat: 0n, interest: 3000n, principal: 100_000n });
    expect(rest).toBe(0n);
  });

  it('V47 write-off of what is left, and no undoing of what was paid before', () => {
    const terms = { loan: loan({ amount: pesos('1000'), interestRate: rate('0'), term: 3 }) };
    const events: readonly LoanEvent[] = [
      disbursed('2024-01-01'),
      payment('down', '2024-01-01', '250'),
      payment('1', '2024-01-22', '100'),
      { kind: 'write_off', id: 'w', date: day('2024-01-29') },
    ];
    const state = stateOn(terms, events, '2024-01-29');
    expect(state.status).toBe('written_off');
    expect(formatMinor(state.writtenOff?.principal ?? 0n)).toBe('650.00');
    const undone: LoanEvent = { kind: 'reversal', id: 'r', date: day('2024-01-30'), reverses: '1' };
    expect(() => stateOn(terms, [...events, undone], '2024-01-30')).toThrow('the loan was written off since');
  });

  it('V50 a day of interest on 5,000, and a month of it on 1,000', () => {
    const afterOneDay = stateOn(daily, [disbursed('2022-11-01')], '2022-11-02');
    expect(formatMinor(afterOneDay.accruedInterest.rounded)).toBe('1.64');
    const thousand = { ...daily, loan: { ...daily.loan, amount: pesos('1000') } };
    const quote = quotePayoff(thousand, [disbursed('2022-12-01')], day('2023-01-01'));
    expect(formatMinor(quote?.split.interest ?? 0n)).toBe('10.19');
  });
});

function rowsOf({ installments }: LoanState): string {
  return installments
    .map(({ interest, principal, total }) => column([interest, principal, total]).replaceAll(' ', '/'))
    .join(' ');
}
