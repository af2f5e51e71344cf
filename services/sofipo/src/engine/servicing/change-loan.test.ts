import { formatMinor } from '@quinta/platform/kernel';
import { describe, expect, it } from 'vitest';

import { column, day, loan, pesos, rate } from '../../testing/builders.ts';
import { disbursed, payment, stateOn } from '../../testing/servicing-builders.ts';
import type { LoanEvent } from './events.ts';
import type { ServicingTerms } from './servicing-terms.ts';

/** The loan of the walkthrough. */
const base: ServicingTerms = { loan: loan({ amount: pesos('50000'), interestRate: rate('0.15'), term: 24 }) };
const paidOut = disbursed('2024-01-01');
const firstPaid = payment('1', '2024-02-01', '2424.33');

describe('what changes a loan', () => {
  const waiver = { kind: 'waiver', id: 'w', date: day('2024-02-10') } as const;

  it.each([
    ['interest', '625.00', '0.00 1799.33'],
    ['principal', '799.33', '625.00 1000.00'],
  ] as const)('a waiver of %s of %s leaves interest and principal due', (component, amount, left) => {
    const state = stateOn(base, [paidOut, { ...waiver, component, amount: pesos(amount) }], '2024-02-10');
    expect(column([state.due.interest, state.due.principal])).toBe(left);
    expect(state.installments[0]?.waived).toBe(pesos(amount));
    expect(state.waivers.get('w')?.split[component]).toBe(pesos(amount));
  });

  it('a waiver of VAT takes VAT alone, and none takes more than there is', () => {
    const taxed = { loan: { ...base.loan, vatRate: rate('0.16') } };
    const state = stateOn(taxed, [paidOut, { ...waiver, component: 'vat', amount: pesos('100') }], '2024-02-10');
    expect(column([state.due.vat, state.due.interest])).toBe('0.00 625.00');
    expect(() => stateOn(base, [paidOut, { ...waiver, component: 'fee', amount: 1n }], '2024-02-10')).toThrow(
      'at most the fee of 0.00',
    );
  });

  it('a reschedule carries unpaid interest into the first new instalment', () => {
    const change: LoanEvent = {
      kind: 'reschedule',
      id: 'r',
      date: day('2024-03-15'),
      term: 36,
      interestRate: rate('0.12'),
    };
    const state = stateOn(base, [paidOut, firstPaid, change], '2024-03-15');
    const [first, second] = state.installments;
    expect(state.daysPastDue).toBe(0);
    expect(formatMinor(state.outstandingPrincipal)).toBe('48200.67');
    expect(first).toMatchObject({ number: 1, total: pesos('2424.33'), unpaid: 0n, balance: pesos('48200.67') });
    // 602.51 of the instalment that was due on 1 March, 14/31 of the next month's 579.74, and the new first month.
    expect(formatMinor(second?.interest ?? 0n)).toBe(formatMinor(pesos('602.51') + pesos('261.82') + pesos('482.01')));
    expect(state.installments).toHaveLength(37);
    expect(state.installments.at(-1)?.balance).toBe(0n);
  });

  it('a reschedule may make unpaid interest principal', () => {
    const change: LoanEvent = {
      kind: 'reschedule',
      id: 'r',
      date: day('2024-03-01'),
      term: 12,
      unpaidInterest: 'capitalize',
    };
    const state = stateOn(base, [paidOut, firstPaid, change], '2024-03-01');
    expect(formatMinor(state.outstandingPrincipal)).toBe('48803.18');
    expect(state.installments[0]?.balance).toBe(pesos('48200.67'));
    expect(state.installments.at(-1)?.balance).toBe(0n);
    expect(formatMinor(state.installments[1]?.interest ?? 0n)).toBe('610.04');
  });

  it('a reschedule keeps fees that were due, and may give grace', () => {
    const fees = { perInstallment: pesos('50') };
    const change: LoanEvent = {
      kind: 'reschedule',
      id: 'r',
      date: day('2024-02-15'),
      term: 6,
      firstDueDate: day('2024-03-20'),
      graceOnPrincipal: 2,
      graceOnInterest: 1,
    };
    const state = stateOn({ loan: { ...base.loan, fees } }, [paidOut, change], '2024-03-20');
    expect(formatMinor(state.due.fee)).toBe('100.00');
    expect(column(state.installments.map(({ principal }) => principal)).startsWith('0.00 0.00 12')).toBe(true);
    expect(state.installments[0]?.interest).toBe(0n);
  });

  it('a write-off takes everything that is owed, and recoveries count against it', () => {
    const writeOff: LoanEvent = { kind: 'write_off', id: 'w', date: day('2024-03-15') };
    const recovery: LoanEvent = { kind: 'recovery', id: 'r', date: day('2024-06-01'), amount: pesos('1000') };
    const state = stateOn(base, [paidOut, firstPaid, writeOff, recovery], '2024-07-01');
    expect(state).toMatchObject({ status: 'written_off', outstandingPrincipal: 0n, recovered: pesos('1000') });
    expect(column([state.writtenOff?.principal ?? 0n, state.writtenOff?.interest ?? 0n])).toBe('48200.67 864.33');
    const undone: LoanEvent = { kind: 'reversal', id: 'u', date: day('2024-06-02'), reverses: 'r' };
    expect(stateOn(base, [paidOut, firstPaid, writeOff, recovery, undone], '2024-07-01').recovered).toBe(0n);
    const all = { ...recovery, amount: pesos('49065.01') };
    expect(() => stateOn(base, [paidOut, firstPaid, writeOff, all], '2024-07-01')).toThrow('at most 49065.00');
  });
});
