import { plainText, type Route, routesOf } from '@quinta/platform/http';
import type { Context } from '@quinta/platform/kernel';
import { z } from 'zod';
import { amountInput, amountOrZeroInput } from '../amount.ts';
import type { Sofipo } from '../app.ts';
import { decideLoan, disburseLoan } from './decide-loan.ts';
import type { LoanChange } from './event-store.ts';
import { loanOutput } from './loan.ts';
import { keyParameter } from '../reading.ts';
import { dateOf, rateOf } from './loan-terms.ts';
import { changeLoan } from './record-change.ts';
import { annualRateInput, dateInput, termInput } from './terms-input.ts';

const { route } = routesOf<Sofipo>();
const tag = 'loans';
const params = z.object({ loan_id: keyParameter });
const reason = plainText({ max: 255 }).meta({ description: 'Why; it stays with the loan and in the audit' });
const decisionProblems = ['loan_not_found', 'loan_cannot_move', 'same_person'] as const;
const changeProblems = [
  'loan_not_found',
  'loan_cannot_move',
  'lending_refused',
  'idempotency_key_reused',
  'idempotency_running',
] as const;
const replies = { 201: loanOutput } as const;

const chargeInput = z.strictObject({
  component: z.enum(['fee', 'penalty']),
  amount: amountInput,
  vat: amountOrZeroInput.optional().meta({ description: 'VAT on it', example: '16.00' }),
  due_date: dateInput.optional().meta({ description: 'Default: today' }),
  reason,
});
const waiverInput = z.strictObject({
  component: z.enum(['penalty', 'fee', 'vat', 'interest', 'principal']),
  amount: amountInput,
  reason,
});
const rescheduleInput = z.strictObject({
  term: termInput,
  interest_rate: annualRateInput.optional(),
  first_due_date: dateInput.optional(),
  grace_on_principal: z.int().min(0).max(1_200).optional(),
  grace_on_interest: z.int().min(0).max(1_200).optional(),
  unpaid_interest: z
    .enum(['carry', 'capitalize'])
    .default('carry')
    .meta({ description: 'It falls due with the first new instalment, or becomes principal' }),
  reason,
});

/** The answer to a change, which says whether it is that of an earlier try. */
async function changed(
  { app, context }: { readonly app: Sofipo; readonly context: Context },
  asked: Parameters<typeof changeLoan>[2],
) {
  const { body, isReplay } = await changeLoan(app, context, asked);
  return { status: 201 as const, body, headers: isReplay ? { 'idempotency-replayed': 'true' } : {} };
}

export const loanChangeRoutes: readonly Route<Sofipo>[] = [
  route({
    method: 'POST',
    path: '/loans/:loan_id/approve',
    operation: 'loan.approve',
    summary: 'Approve a requested loan; never by the person who asked for it',
    tag,
    params,
    replies: { 200: loanOutput },
    problems: decisionProblems,
    handle: async ({ app, context, params: { loan_id: id } }) => ({
      status: 200,
      body: await decideLoan(app, context, { id, isApproved: true }),
    }),
  }),
  route({
    method: 'POST',
    path: '/loans/:loan_id/reject',
    operation: 'loan.reject',
    summary: 'Reject a requested loan; it stays to be seen as cancelled',
    tag,
    params,
    body: z.strictObject({ reason }),
    replies: { 200: loanOutput },
    problems: decisionProblems,
    handle: async ({ app, context, params: { loan_id: id }, body }) => ({
      status: 200,
      body: await decideLoan(app, context, { id, isApproved: false, ...body }),
    }),
  }),
  route({
    method: 'POST',
    path: '/loans/:loan_id/disburse',
    operation: 'loan.disburse',
    summary: 'Pay out an approved loan, from today on unless its terms name a day',
    tag,
    params,
    body: z.strictObject({ first_due_date: dateInput.optional() }).nullish(),
    replies: { 200: loanOutput },
    problems: ['loan_not_found', 'loan_cannot_move', 'lending_refused'],
    handle: async ({ app, context, params: { loan_id: id }, body }) => ({
      status: 200,
      body: await disburseLoan(app, context, { id, firstDueDate: body?.first_due_date }),
    }),
  }),
  route({
    method: 'POST',
    path: '/loans/:loan_id/charges',
    operation: 'loan.charge',
    summary: 'Charge a fee or a penalty',
    tag,
    params,
    body: chargeInput,
    replies,
    problems: changeProblems,
    isIdempotent: true,
    handle: ({ app, context, params: { loan_id: id }, body, idempotencyKey: key }) => {
      const { component, amount, vat, due_date: due, reason: why } = body;
      const optional = {
        ...(vat === undefined ? {} : { vat }),
        ...(due === undefined ? {} : { dueDate: dateOf(due) }),
      };
      const change: LoanChange = { kind: 'charge', component, amount, ...optional };
      return changed({ app, context }, { id, change, reason: why, key });
    },
  }),
  route({
    method: 'POST',
    path: '/loans/:loan_id/waivers',
    operation: 'loan.waive',
    summary: 'Forgive a part of what is owed, the oldest first',
    tag,
    params,
    body: waiverInput,
    replies,
    problems: changeProblems,
    isIdempotent: true,
    handle: ({ app, context, params: { loan_id: id }, body, idempotencyKey: key }) => {
      const { component, amount, reason: why } = body;
      return changed({ app, context }, { id, change: { kind: 'waiver', component, amount }, reason: why, key });
    },
  }),
  route({
    method: 'POST',
    path: '/loans/:loan_id/reschedule',
    operation: 'loan.reschedule',
    summary: 'Give what is still owed a new schedule, from today on',
    tag,
    params,
    body: rescheduleInput,
    replies,
    problems: changeProblems,
    isIdempotent: true,
    handle: ({ app, context, params: { loan_id: id }, body, idempotencyKey: key }) => {
      const { term, interest_rate: rate, first_due_date: due, unpaid_interest: unpaidInterest } = body;
      const { grace_on_principal: graceOnPrincipal, grace_on_interest: graceOnInterest } = body;
      const change: LoanChange = {
        kind: 'reschedule',
        term,
        unpaidInterest,
        ...(rate === undefined ? {} : { interestRate: rateOf(rate) }),
        ...(due === undefined ? {} : { firstDueDate: dateOf(due) }),
        ...(graceOnPrincipal === undefined ? {} : { graceOnPrincipal }),
        ...(graceOnInterest === undefined ? {} : { graceOnInterest }),
      };
      return changed({ app, context }, { id, change, reason: body.reason, key });
    },
  }),
  route({
    method: 'POST',
    path: '/loans/:loan_id/write-off',
    operation: 'loan.write_off',
    summary: 'Take a loan off the books as a loss; from then on only recoveries are taken',
    tag,
    params,
    body: z.strictObject({ reason }),
    replies,
    problems: changeProblems,
    isIdempotent: true,
    handle: ({ app, context, params: { loan_id: id }, body, idempotencyKey: key }) =>
      changed({ app, context }, { id, change: { kind: 'write_off' }, reason: body.reason, key }),
  }),
  route({
    method: 'POST',
    path: '/loans/:loan_id/recoveries',
    operation: 'loan.recover',
    summary: 'Take money for a loan that was written off, up to what was lost with it',
    tag,
    params,
    body: z.strictObject({ amount: amountInput, reason: reason.optional() }),
    replies,
    problems: changeProblems,
    isIdempotent: true,
    handle: ({ app, context, params: { loan_id: id }, body, idempotencyKey: key }) => {
      const change: LoanChange = { kind: 'recovery', amount: body.amount };
      return changed({ app, context }, { id, change, reason: body.reason, key });
    },
  }),
];
