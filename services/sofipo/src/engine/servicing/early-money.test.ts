import { formatMinor } from '@quinta/platform/kernel';
import { describe, expect, it } from 'vitest';

import { column, loan, pesos, rate } from '../../testing/builders.ts';
import { disbursed, payment, stateOn } from '../../testing/servicing-builders.ts';
import { generateSchedule } from '../schedule/schedule.ts';
import type { ServicingTerms } from './servicing-terms.ts';

const base: ServicingTerms = { loan: loan({ amount: pesos('50000'), interestRate: rate('0.15'), term: 24 }) };
const paidOut = disbursed('2024-01-01');

describe('money in the middle of a period', () => {
  it('lowers the interest of the days that are left', () => {
    const state = stateOn(base, [paidOut, payment('1', '2024-01-16', '1000')], '2024-02-01');
    // 15/31 of 625.00 and 16/31 of 1.25 % of 49,302.42.
    expect(formatMinor(state.installments[0]?.interest ?? 0n)).toBe('620.50');
  });

  it('lowers the instalments when it is more than one of them', () => {
    const terms = { ...base, prepayment: 'reduce_installment' } as const;
    const state = stateOn(terms, [paidOut, payment('1', '2024-01-16', '20000')], '2024-02-01');
    const rest = { ...base.loan, amount: state.outstandingPrincipal, term: 23 };
    expect(state.installments).toHaveLength(24);
    expect(state.installments[2]?.total).toBe(generateSchedule(rest).installments[1]?.total);
  });
});

describe('payments of one day', () => {
  it('count in the order of their ids', () => {
    const events = [paidOut, payment('b', '2024-02-01', '700'), payment('a', '2024-02-01', '600')];
    const { payments } = stateOn(base, events, '2024-02-01');
    expect(column([payments.get('a')?.split.interest ?? 0n, payments.get('b')?.split.interest ?? 0n])).toBe(
      '600.00 25.00',
    );
  });
});

describe('interest in grace', () => {
  it('may be paid on the day of an instalment, and is then no part of a later one', () => {
    const terms = { loan: { ...base.loan, graceOnInterest: 1 } };
    const waiting = stateOn(terms, [paidOut], '2024-02-01');
    const state = stateOn(terms, [paidOut, payment('1', '2024-02-01', '2424.33')], '2024-02-01');
    expect(column(waiting.installments.slice(0, 2).map(({ interest }) => interest))).toBe('0.00 1227.51');
    expect(column(state.installments.slice(0, 2).map(({ interest }) => interest))).toBe('625.00 602.51');
  });
});

describe('a flat loan', () => {
  it('is projected as it was simulated', () => {
    const flat = { ...base.loan, method: 'flat' } as const;
    expect(stateOn({ loan: flat }, [paidOut], '2024-01-01').installments).toMatchObject(
      generateSchedule(flat).installments,
    );
  });
});
