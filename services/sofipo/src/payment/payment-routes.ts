import { limitParameter, type Route, routesOf } from '@quinta/platform/http';
import { z } from 'zod';
import type { Sofipo } from '../app.ts';
import { findLoan } from '../loan/loan-store.ts';
import { loanNotFound } from '../problems.ts';
import { isOpenToAll, keyParameter, skipParameter } from '../reading.ts';
import { paymentInput, paymentOf, paymentOutput } from './payment.ts';
import { listPayments } from './payment-store.ts';
import { registerPayment } from './register-payments.ts';
import { reversePayment } from './reverse-payment.ts';

const { route, signedInRoute } = routesOf<Sofipo>();
const tag = 'payments';
const loanParams = z.object({ loan_id: keyParameter });

export const paymentRoutes: readonly Route<Sofipo>[] = [
  route({
    method: 'POST',
    path: '/loans/:loan_id/payments',
    operation: 'payment.register',
    summary: 'Register a payment of today; the answer shows what it settled',
    tag,
    params: loanParams,
    body: paymentInput,
    replies: { 201: paymentOutput },
    problems: ['loan_not_found', 'loan_not_active', 'payment_too_large', 'payment_key_reused'],
    isIdempotent: true,
    handle: async ({ app, context, params, body, idempotencyKey }) => {
      const asked = { loanId: params.loan_id, amount: body.amount, key: idempotencyKey };
      const outcome = await registerPayment(app, context, asked);
      if (outcome.kind === 'refused') throw outcome.problem;
      const headers = outcome.kind === 'replayed' ? { 'idempotency-replayed': 'true' } : {};
      return { status: 201, body: outcome.payment, headers };
    },
  }),
  signedInRoute({
    method: 'GET',
    path: '/loans/:loan_id/payments',
    operation: 'payment.list',
    summary: 'The payments of a loan, oldest first',
    tag,
    isOpenToAll,
    params: loanParams,
    query: z.strictObject({ skip: skipParameter, limit: limitParameter(100, 1_000) }),
    replies: { 200: z.array(paymentOutput) },
    problems: ['loan_not_found'],
    handle: async ({ app, context, params: { loan_id: loanId }, query }) => {
      const reads = app.reads(context, `loan:${loanId}`);
      if (!(await findLoan(reads, loanId))) throw loanNotFound();
      return { status: 200, body: (await listPayments(reads, { ...query, loanId })).map(paymentOf) };
    },
  }),
  route({
    method: 'POST',
    path: '/loans/:loan_id/payments/:payment_id/reverse',
    operation: 'payment.reverse',
    summary: 'Take a payment back: the loan stands as if it had never been',
    tag,
    params: z.object({ loan_id: keyParameter, payment_id: keyParameter }),
    replies: { 200: paymentOutput },
    problems: ['loan_not_found', 'payment_not_found', 'payment_reversed', 'lending_refused'],
    handle: async ({ app, context, params }) => ({
      status: 200,
      body: await reversePayment(app, context, { loanId: params.loan_id, paymentId: params.payment_id }),
    }),
  }),
];
