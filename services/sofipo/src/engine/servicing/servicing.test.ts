import { formatMinor } from '@quinta/platform/kernel';
import { describe, expect, it } from 'vitest';

import { column, day, loan, pesos, rate } from '../../testing/builders.ts';
import { disbursed, payment, stateOn } from '../../testing/servicing-builders.ts';
import { generateSchedule } from '../schedule/schedule.ts';
import type { Installment } from '../schedule/terms.ts';
import type { LoanEvent } from './events.ts';
import { quotePayoff, replayLoan } from './replay.ts';
import type { ServicingTerms } from './servicing-terms.ts';

/** The loan of the walkthrough. */
const base: ServicingTerms = { loan: loan({ amount: pesos('50000'), interestRate: rate('0.15'), term: 24 }) };
const paidOut = disbursed('2024-01-01');
const firstPaid = payment('1', '2024-02-01', '2424.33');

/** Each instalment on its due date; what asks for nothing needs no payment. */
function payEach(terms: ServicingTerms): readonly LoanEvent[] {
  return askedFor(terms).map(({ number, dueDate, total }): LoanEvent => ({
    kind: 'payment',
    id: `p${number}`,
    date: dueDate,
    amount: total,
  }));
}

function askedFor(terms: ServicingTerms): readonly Installment[] {
  return generateSchedule(terms.loan).installments.filter(({ total }) => total > 0n);
}

describe('a loan that is paid on time', () => {
  it.each<[string, Partial<ServicingTerms>, Partial<ServicingTerms['loan']>]>([
    ['by the schedule', {}, {}],
    ['by the day', { accrual: 'daily' }, { dayCount: 'actual/365' }],
    ['with VAT and fees', {}, { vatRate: rate('0.16'), vatOnFees: true, fees: { perInstallment: pesos('50') } }],
    ['with grace', {}, { graceOnPrincipal: 3, graceOnInterest: 2 }],
    ['with level principal', { prepayment: 'reduce_installment' }, { method: 'equal_principal' }],
    ['with flat interest', { prepayment: 'next_installment' }, { method: 'flat', frequency: 'weekly' }],
    ['on moved days', { accrual: 'daily' }, { businessDays: 'following', dayCount: 'actual/360' }],
  ])('%s ends with nothing owed and exactly its schedule', (_, servicing, changed) => {
    const terms = { ...base, ...servicing, loan: { ...base.loan, ...changed } };
    const installments = askedFor(terms);
    const end = installments.at(-1)?.dueDate ?? day('2024-01-01');
    const state = replayLoan(terms, [paidOut, ...payEach(terms)], end);
    expect(state).toMatchObject({ status: 'paid_off', paidOffOn: end, outstandingPrincipal: 0n, daysPastDue: 0 });
    expect(state?.installments).toMatchObject(installments);
    expect(state?.installments.every(({ unpaid }) => unpaid === 0n)).toBe(true);
  });
});

describe('money that comes early', () => {
  const early = [paidOut, firstPaid, payment('2', '2024-02-01', '20000')];
  const rows = (terms: ServicingTerms): string => {
    const { installments } = stateOn(terms, early, '2024-02-01');
    const last = installments.at(-1);
    return `${installments.length} ${column([installments[1]?.total ?? 0n, last?.total ?? 0n])}`;
  };

  it.each([
    ['reduce_term', '14 2424.33 1575.74'],
    ['reduce_installment', '24 1418.40 1418.40'],
    ['next_installment', '24 2424.33 2424.40'],
  ] as const)('under %s leaves this many instalments, the next and the last: %s', (prepayment, expected) => {
    expect(rows({ ...base, prepayment })).toBe(expected);
  });

  it('pays the next instalments with their interest under next_installment', () => {
    const state = stateOn({ ...base, prepayment: 'next_installment' }, early, '2024-02-01');
    expect(state.installments.filter(({ unpaid }) => unpaid === 0n)).toHaveLength(9);
    expect(state.payments.get('2')?.split.interest).toBeGreaterThan(pesos('3500'));
    const later = stateOn({ ...base, prepayment: 'next_installment' }, early, '2024-10-15');
    expect(later.daysPastDue).toBe(0);
    expect(column(later.installments.map(({ interest }) => interest))).toBe(
      column(generateSchedule(base.loan).installments.map(({ interest }) => interest)),
    );
  });

  it('pays interest accrued to the day first', () => {
    const state = stateOn(base, [paidOut, payment('1', '2024-01-16', '1000')], '2024-01-16');
    // 15 of the 31 days of the first period.
    expect(state.payments.get('1')?.split).toMatchObject({ interest: pesos('302.42'), principal: pesos('697.58') });
    expect(formatMinor(state.outstandingPrincipal)).toBe('49302.42');
  });

  it('counts towards the instalment of its period, whose last days wait for the next one', () => {
    const state = stateOn(base, [paidOut, payment('1', '2024-01-30', '2424.33')], '2024-02-01');
    expect(state.daysPastDue).toBe(0);
    expect(state.due.interest + state.due.principal).toBe(0n);
    expect(state.installments[0]).toMatchObject({ total: pesos('2424.33'), unpaid: 0n });
    expect(state.accruedInterest.rounded).toBeGreaterThan(0n);
    expect(state.installments[1]?.total).toBeGreaterThan(pesos('2424.33'));
  });

  it('may be as much as the pay-off and no more', () => {
    const quote = quotePayoff(base, [paidOut, firstPaid], day('2024-02-15'));
    const total = quote?.total ?? 0n;
    const pay = (amount: bigint): LoanEvent => ({ kind: 'payment', id: '2', date: day('2024-02-15'), amount });
    expect(stateOn(base, [paidOut, firstPaid, pay(total)], '2024-03-01').status).toBe('paid_off');
    expect(() => stateOn(base, [paidOut, firstPaid, pay(total + 1n)], '2024-03-01')).toThrow(
      `at most the pay-off of ${formatMinor(total)}`,
    );
    expect(() => stateOn(base, [paidOut, pay(0n)], '2024-03-01')).toThrow('more than 0.00');
  });
});

describe('a loan that is late', () => {
  it('counts days from the oldest unpaid due date', () => {
    const state = stateOn(base, [paidOut, firstPaid], '2024-04-11');
    expect(state.daysPastDue).toBe(41);
    expect(column([state.pastDue.principal, state.pastDue.interest])).toBe('3666.41 1182.25');
    expect(state.installments.map(({ daysPastDue }) => daysPastDue).slice(0, 4)).toEqual([0, 41, 10, 0]);
  });

  it('bears interest on late principal where it accrues daily, and only there', () => {
    const counted = { ...base.loan, dayCount: 'actual/365' } as const;
    const interestOfSecond = (accrual: 'daily' | 'schedule'): string =>
      formatMinor(stateOn({ loan: counted, accrual }, [paidOut], '2024-03-01').installments[1]?.interest ?? 0n);
    expect(interestOfSecond('daily')).toBe('595.89');
    expect(interestOfSecond('schedule')).toBe('574.65');
  });

  it('goes on bearing interest after its last due date where it accrues daily', () => {
    const short = { ...base.loan, term: 1, dayCount: 'actual/365' } as const;
    const late = stateOn({ loan: short, accrual: 'daily' }, [paidOut], '2024-02-11');
    expect(formatMinor(late.accruedInterest.rounded)).toBe('205.48');
    expect(stateOn({ loan: short, accrual: 'daily' }, [paidOut], '2024-04-02').installments).toHaveLength(4);
    expect(stateOn({ loan: short }, [paidOut], '2024-04-02').installments).toHaveLength(1);
  });

  it('is not late, and bears no more interest, on a day that was moved', () => {
    const moved = {
      ...base.loan,
      dayCount: 'actual/365',
      startDate: day('2024-05-01'),
      businessDays: 'following',
    } as const;
    const terms = { loan: moved, accrual: 'daily' } as const;
    // 1 June 2024 is a Saturday.
    const onMonday = stateOn(terms, [disbursed('2024-05-01')], '2024-06-03');
    expect(onMonday.daysPastDue).toBe(0);
    expect(stateOn(terms, [disbursed('2024-05-01')], '2024-06-04').daysPastDue).toBe(1);
    const total = onMonday.due.interest + onMonday.due.principal;
    const paid: LoanEvent = { kind: 'payment', id: '1', date: day('2024-06-03'), amount: total };
    const state = stateOn(terms, [disbursed('2024-05-01'), paid], '2024-07-01');
    expect(state.installments[1]?.interest).toBe(generateSchedule(moved).installments[1]?.interest);
  });

  it('is charged one fee for each instalment, after its days of grace', () => {
    const terms = { ...base, lateFee: { amount: pesos('150'), graceDays: 3 } };
    expect(stateOn(terms, [paidOut], '2024-02-04').due.fee).toBe(0n);
    expect(stateOn(terms, [paidOut], '2024-02-05').due.fee).toBe(pesos('150'));
    expect(stateOn(terms, [paidOut], '2024-04-30').due.fee).toBe(pesos('450'));
    expect(stateOn(terms, [paidOut, firstPaid], '2024-02-28').due.fee).toBe(0n);
    const taxed = { ...terms, loan: { ...base.loan, vatRate: rate('0.16'), vatOnFees: true } };
    expect(formatMinor(stateOn(taxed, [paidOut], '2024-02-05').due.vat)).toBe('124.00');
  });

  it('bears moratory interest on overdue principal', () => {
    const penalty = { annualRate: rate('0.3'), daysPerYear: 360, graceDays: 0 } as const;
    const state = stateOn({ ...base, penalty }, [paidOut], '2024-02-11');
    // 1,799.33 at 30 % over ten days of 360.
    expect(formatMinor(state.due.penalty)).toBe('14.99');
    const patient = { ...base, penalty: { ...penalty, graceDays: 4 } };
    expect(formatMinor(stateOn(patient, [paidOut], '2024-02-11').due.penalty)).toBe('9.00');
    const paid = stateOn({ ...base, penalty }, [paidOut, payment('1', '2024-02-11', '14.99')], '2024-02-11');
    expect(paid.payments.get('1')?.split.penalty).toBe(pesos('14.99'));
    expect(paid.due.penalty).toBe(0n);
  });

  it('is never charged twice for one event', () => {
    const lateFee = { amount: 1n, graceDays: 0 };
    const penalty = { annualRate: rate('0.3'), daysPerYear: 360, graceDays: 0 } as const;
    expect(() => stateOn({ ...base, lateFee, penalty }, [paidOut], '2024-02-11')).toThrow('one event is charged once');
  });
});

describe('events', () => {
  const story: readonly LoanEvent[] = [
    paidOut,
    firstPaid,
    payment('2', '2024-02-20', '500'),
    { kind: 'charge', id: 'c', date: day('2024-03-10'), component: 'fee', amount: pesos('116'), vat: pesos('18.56') },
    payment('3', '2024-03-10', '1000'),
    { kind: 'reversal', id: 'r', date: day('2024-03-12'), reverses: '2' },
  ];

  it('give the same centavos in whatever order they were recorded', () => {
    const asOf = '2024-05-05';
    const expected = stateOn(base, story, asOf);
    expect(stateOn(base, story.toReversed(), asOf)).toEqual(expected);
    expect(stateOn(base, [...story.slice(3), ...story.slice(0, 3)], asOf)).toEqual(expected);
  });

  it('that are reversed are as if they had never been, from the day of the reversal on', () => {
    const without = story.filter(({ id }) => id !== '2' && id !== 'r');
    expect(stateOn(base, story, '2024-03-12')).toEqual(stateOn(base, without, '2024-03-12'));
    expect(stateOn(base, story, '2024-03-11').payments.has('2')).toBe(true);
  });

  it.each<[string, readonly LoanEvent[], string]>([
    ['two of one id', [paidOut, firstPaid, firstPaid], 'an id that no other event has'],
    ['a payment before the disbursement', [firstPaid], 'a disbursement before anything else'],
    ['a second disbursement', [paidOut, { ...paidOut, id: 'd2' }], 'one disbursement'],
    [
      'a reversal of nothing',
      [paidOut, { kind: 'reversal', id: 'r', date: day('2024-02-01'), reverses: 'x' }],
      'an earlier payment',
    ],
    [
      'a reversal of the disbursement',
      [paidOut, { kind: 'reversal', id: 'r', date: day('2024-02-01'), reverses: 'd' }],
      'an earlier payment',
    ],
    [
      'a reversal before its payment',
      [paidOut, firstPaid, { kind: 'reversal', id: 'r', date: day('2024-01-31'), reverses: '1' }],
      'an earlier payment',
    ],
    [
      'a recovery of a living loan',
      [paidOut, { kind: 'recovery', id: 'r', date: day('2024-02-01'), amount: 1n }],
      'not written off',
    ],
    [
      'a payment after a write-off',
      [paidOut, { kind: 'write_off', id: 'w', date: day('2024-01-15') }, firstPaid],
      'the loan is written off',
    ],
  ])('are refused: %s', (_, events, message) => {
    expect(() => stateOn(base, events, '2024-06-01')).toThrow(message);
  });

  it('before the disbursement are none', () => {
    expect(replayLoan(base, [paidOut], day('2023-12-31'))).toBeUndefined();
    expect(quotePayoff(base, [], day('2024-01-01'))).toBeUndefined();
  });

  it('reopen a loan that was paid off when a charge follows', () => {
    const quote = quotePayoff(base, [paidOut], day('2024-01-15'));
    const paid: LoanEvent = { kind: 'payment', id: '1', date: day('2024-01-15'), amount: quote?.total ?? 0n };
    const charge: LoanEvent = {
      kind: 'charge',
      id: 'c',
      date: day('2024-01-20'),
      component: 'fee',
      amount: pesos('10'),
    };
    expect(stateOn(base, [paidOut, paid], '2024-03-01').status).toBe('paid_off');
    const state = stateOn(base, [paidOut, paid, charge], '2024-03-01');
    expect(state).toMatchObject({ status: 'active', paidOffOn: undefined, outstandingPrincipal: 0n });
    expect(state.due.fee).toBe(pesos('10'));
  });
});
