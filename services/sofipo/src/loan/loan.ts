import { defineStates, formatMinor } from '@quinta/platform/kernel';
import { z } from 'zod';
import { amountOutput } from '../amount.ts';
import {
  formatCalendarDate,
  type Installment,
  type ServicedInstallment,
  type ServicingTerms,
} from '../engine/index.ts';
import { servicingOf } from './loan-terms.ts';

/** What may become of a loan; it is paid off by a payment alone. */
export const loanStates = defineStates({
  REQUESTED: ['APPROVED', 'CANCELLED'],
  APPROVED: ['ACTIVE', 'CANCELLED'],
  ACTIVE: ['PAID_OFF', 'DEFAULTED', 'WRITTEN_OFF', 'CANCELLED'],
  DEFAULTED: ['ACTIVE', 'PAID_OFF', 'WRITTEN_OFF'],
  PAID_OFF: ['ACTIVE', 'DEFAULTED'],
  WRITTEN_OFF: [],
  CANCELLED: [],
});

export type LoanStatus = (typeof loanStates.states)[number];
export const statusParameter = z.enum(loanStates.states);

/** A row of `loans`; amounts are decimal text. */
export interface LoanRow {
  readonly id: string;
  readonly client_id: string;
  readonly amount: string;
  readonly interest_rate: string;
  readonly term_months: number;
  readonly status: LoanStatus;
  readonly granted_at: Date;
  readonly current_balance: string;
  readonly terms: unknown;
  /** `2026-01-31`; null until it is paid out. */
  readonly disbursed_on: string | null;
  /** Interest on the books that is not paid, and what is set aside for its loss. */
  readonly interest_receivable: string;
  readonly reserve: string;
  /** The last day that was closed for it. */
  readonly closed_on: string | null;
  readonly product_code: string | null;
  readonly product_version: number | null;
  readonly requested_by: number | null;
  readonly approved_by: number | null;
}

/** How a loan that was paid out is served. */
export function servedBy({ id, terms, disbursed_on: disbursedOn }: LoanRow): ServicingTerms {
  if (disbursedOn === null) throw new Error(`Loan ${id} was never paid out`);
  return servicingOf(terms, disbursedOn);
}

/** A loan as other systems read it. */
export const loanOutput = z
  .object({
    id: z.guid(),
    client_id: z.guid(),
    amount: amountOutput,
    interest_rate: z.string().meta({ example: '0.1500' }),
    term_months: z.int(),
    status: statusParameter,
    granted_at: z.iso.datetime(),
    current_balance: amountOutput.meta({ description: 'Principal that is still owed' }),
    product: z.string().nullable().meta({ description: 'None for a loan of the earlier system', example: 'personal' }),
    product_version: z.int().nullable(),
  })
  .meta({
    example: {
      id: '0190f3a2-5c1e-7a43-9a51-0f2a6d1c9e11',
      client_id: '0190f3a2-5c1e-7a43-9a51-0f2a6d1c9e12',
      amount: '50000.00',
      interest_rate: '0.1500',
      term_months: 24,
      status: 'ACTIVE',
      granted_at: '2026-01-31T15:04:05.000Z',
      current_balance: '50000.00',
      product: 'personal',
      product_version: 1,
    },
  });

export type Loan = z.output<typeof loanOutput>;

export function loanOf(row: LoanRow): Loan {
  const { id, client_id, amount, interest_rate, term_months, status, granted_at: at, current_balance } = row;
  const { product_code: product, product_version } = row;
  const granted_at = at.toISOString();
  const promised = { id, client_id, amount, interest_rate, term_months, status, granted_at, current_balance };
  return { ...promised, product, product_version };
}

const row = {
  number: z.int(),
  due_date: z.iso.date(),
  principal: amountOutput,
  interest: amountOutput,
  vat: amountOutput,
  fees: amountOutput,
  total: amountOutput,
  balance: amountOutput,
};

/** An instalment as it is planned. */
export const installmentOutput = z.object(row);

export function installmentOf(one: Installment): z.output<typeof installmentOutput> {
  return {
    number: one.number,
    due_date: formatCalendarDate(one.dueDate),
    principal: formatMinor(one.principal),
    interest: formatMinor(one.interest),
    vat: formatMinor(one.vat),
    fees: formatMinor(one.fees),
    total: formatMinor(one.total),
    balance: formatMinor(one.balance),
  };
}

/** An instalment as it stands after what was paid. */
export const servicedOutput = z.object({
  ...row,
  paid: amountOutput,
  unpaid: amountOutput,
  days_past_due: z.int(),
});

export function servicedOf(one: ServicedInstallment): z.output<typeof servicedOutput> {
  return {
    ...installmentOf(one),
    paid: formatMinor(one.settled - one.waived),
    unpaid: formatMinor(one.unpaid),
    days_past_due: one.daysPastDue,
  };
}
