import { limitParameter, type Route, routesOf } from '@quinta/platform/http';
import { formatMinor } from '@quinta/platform/kernel';
import { z } from 'zod';
import { amountOutput } from '../amount.ts';
import type { Sofipo } from '../app.ts';
import { cacheHeader } from '../caches.ts';
import { reportFile, reportFormat, reportStreams, stampOf } from '../document/report.ts';
import { simulate } from '../engine/index.ts';
import { refusingFields } from '../lending-refusal.ts';
import { loanNotFound } from '../problems.ts';
import { plainOf } from '../plain.ts';
import { isOpenToAll, keyParameter, skipParameter } from '../reading.ts';
import { statementFile } from '../statement/statement-document.ts';
import { statementOf, statementOutput } from '../statement/statement.ts';
import { cancelLoan, setLoanStatus } from './change-loan.ts';
import { grantLoan } from './grant-loan.ts';
import { installmentOf, installmentOutput, loanOf, loanOutput, servicedOutput, statusParameter } from './loan.ts';
import { findLoan, listLoans } from './loan-store.ts';
import { dateOf, type ScheduleInput, scheduleTermsOf } from './loan-terms.ts';
import { loanInput, simulationInput } from './terms-input.ts';
import { dateParameter, payoffOf, payoffOutput, scheduleOf } from './read-loan.ts';
import { scheduleReport } from './schedule-report.ts';

const { route, signedInRoute, publicRoute } = routesOf<Sofipo>();
const tag = 'loans';
const loanParams = z.object({ loan_id: keyParameter });

const totalsOutput = z.object({
  principal: amountOutput,
  interest: amountOutput,
  vat: amountOutput,
  fees: amountOutput,
  total: amountOutput,
});

const simulationOutput = z.object({
  installments: z.array(installmentOutput),
  totals: totalsOutput,
  opening: z.object({ fees: amountOutput, vat: amountOutput }).meta({ description: 'Withheld when it is paid out' }),
  cat: z.number().nullable().meta({ description: 'Costo Anual Total in percent, without VAT', example: 16.1 }),
});

const scheduleOutput = z.object({
  loan_id: z.guid(),
  as_of: z.iso.date(),
  installments: z.array(servicedOutput),
  current_balance: amountOutput,
  days_past_due: z.int(),
});

export const loanRoutes: readonly Route<Sofipo>[] = [
  route({
    method: 'POST',
    path: '/loans',
    operation: 'loan.grant',
    summary: 'Grant a loan and pay it out, or request it above its product’s limit; by default french, monthly, 30/360',
    tag,
    body: loanInput,
    replies: { 201: loanOutput },
    problems: [
      'client_not_found',
      'product_not_found',
      'product_refuses',
      'lending_refused',
      'idempotency_key_reused',
      'idempotency_running',
    ],
    isIdempotent: true,
    handle: async ({ app, context, body, idempotencyKey }) => {
      const answer = await grantLoan(app, context, body, idempotencyKey);
      return { status: 201, body: answer.body, headers: answer.isReplay ? { 'idempotency-replayed': 'true' } : {} };
    },
  }),
  publicRoute({
    method: 'POST',
    path: '/loans/simulate',
    operation: 'loan.simulate',
    summary: 'What a loan would look like, with its CAT; nothing is kept',
    tag,
    body: simulationInput,
    replies: { 200: simulationOutput },
    problems: ['lending_refused'],
    handle: async ({ app, body }) => {
      const term = body.term ?? body.term_months ?? 0;
      const startDate = body.start_date === undefined ? app.today() : dateOf(body.start_date);
      const input = { ...(plainOf(body) as ScheduleInput), term };
      const { installments, totals, opening, cat } = refusingFields(() => simulate(scheduleTermsOf(input, startDate)));
      return {
        status: 200,
        body: {
          installments: installments.map(installmentOf),
          totals: {
            principal: formatMinor(totals.principal),
            interest: formatMinor(totals.interest),
            vat: formatMinor(totals.vat),
            fees: formatMinor(totals.fees),
            total: formatMinor(totals.total),
          },
          opening: { fees: formatMinor(opening.fees), vat: formatMinor(opening.vat) },
          cat: cat?.percent ?? null,
        },
      };
    },
  }),
  signedInRoute({
    method: 'GET',
    path: '/loans',
    operation: 'loan.list',
    summary: 'Loans in the order in which they were granted',
    tag,
    isOpenToAll,
    query: z.strictObject({
      client_id: keyParameter.optional(),
      status: statusParameter.optional(),
      skip: skipParameter,
      limit: limitParameter(100, 1_000),
    }),
    replies: { 200: z.array(loanOutput) },
    handle: async ({ app, context, query: { client_id: clientId, ...page } }) => {
      const reads = clientId === undefined ? app.reads(context) : app.reads(context, `client:${clientId}`);
      return { status: 200, body: (await listLoans(reads, { ...page, clientId })).map(loanOf) };
    },
  }),
  signedInRoute({
    method: 'GET',
    path: '/loans/:loan_id',
    operation: 'loan.find',
    summary: 'A loan',
    tag,
    isOpenToAll,
    params: loanParams,
    replies: { 200: loanOutput },
    problems: ['loan_not_found'],
    handle: async ({ app, context, params: { loan_id: id } }) => {
      const row = await findLoan(app.reads(context, `loan:${id}`), id);
      if (!row) throw loanNotFound();
      return { status: 200, body: loanOf(row) };
    },
  }),
  signedInRoute({
    method: 'GET',
    path: '/loans/:loan_id/schedule',
    operation: 'loan.schedule',
    summary: 'The instalments of a loan as they stand today: what is paid, late and still to come',
    tag,
    isOpenToAll,
    params: loanParams,
    query: z.strictObject({ format: reportFormat }),
    replies: { 200: scheduleOutput },
    streams: reportStreams,
    problems: ['loan_not_found'],
    handle: async ({ app, context, params: { loan_id: id }, query: { format } }) =>
      format === 'json'
        ? { status: 200, body: await scheduleOf(app, context, id) }
        : reportFile(format, await scheduleReport(app, context, id), stampOf(app)),
  }),
  signedInRoute({
    method: 'GET',
    path: '/loans/:loan_id/payoff',
    operation: 'loan.payoff',
    summary: 'What pays a loan off on a day, today unless named',
    tag,
    isOpenToAll,
    params: loanParams,
    query: z.strictObject({ date: dateParameter.optional() }),
    replies: { 200: payoffOutput },
    problems: ['loan_not_found', 'loan_not_active', 'lending_refused'],
    handle: async ({ app, context, params, query }) => ({
      status: 200,
      body: await payoffOf(app, context, { loanId: params.loan_id, date: query.date }),
    }),
  }),
  route({
    method: 'PUT',
    path: '/loans/:loan_id/status',
    operation: 'loan.set_status',
    summary: 'Put a loan in default, or back; PAID_OFF comes by payments alone',
    tag,
    params: loanParams,
    body: z.strictObject({ status: z.enum(['ACTIVE', 'DEFAULTED']) }),
    replies: { 200: loanOutput },
    problems: ['loan_not_found', 'loan_cannot_move'],
    handle: async ({ app, context, params, body }) => ({
      status: 200,
      body: await setLoanStatus(app, context, { id: params.loan_id, status: body.status }),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/loans/:loan_id',
    operation: 'loan.cancel',
    summary: 'Cancel a loan that has no payments; it stays, as CANCELLED',
    tag,
    params: loanParams,
    replies: { 204: null },
    problems: ['loan_not_found', 'loan_has_payments', 'loan_cannot_move'],
    handle: async ({ app, context, params }) => {
      await cancelLoan(app, context, params.loan_id);
      return { status: 204, body: undefined };
    },
  }),
  signedInRoute({
    method: 'GET',
    path: '/loans/clients/:client_id/account-statement',
    operation: 'statement.find',
    summary: 'What a client owes and has paid; the header X-Cache says whether the answer was kept',
    tag,
    isOpenToAll,
    params: z.object({ client_id: keyParameter }),
    query: z.strictObject({ format: z.enum(['json', 'pdf']).default('json') }),
    replies: { 200: statementOutput },
    streams: ['application/pdf'],
    problems: ['client_not_found'],
    handle: async ({ app, context, params, query }) => {
      if (query.format === 'pdf') return statementFile(app, context, params.client_id);
      const { value, status } = await statementOf(app, params.client_id);
      return { status: 200, body: value, headers: cacheHeader(status) };
    },
  }),
];
