import {
  csvLine,
  cursorParameter,
  idParameter,
  idParams,
  instantParameter,
  limitParameter,
  plainText,
  type Route,
  routesOf,
  validationFailed,
} from '@quinta/platform/http';
import type { FieldFault } from '@quinta/platform/kernel';
import { z } from 'zod';
import { timelineOf, timelineOutput } from '../audit-log/timeline.ts';
import type { Mexa } from '../app.ts';
import { redeemVale, voidVale } from './close-vale.ts';
import { drawKey, issueVale } from './issue-vales.ts';
import { issueBatch, batchInput, batchOutput } from './issue-batch.ts';
import { changeDescription, everyVale, filterFor, listPage, type Viewer, visibleVale } from './read-vales.ts';
import { amountBoundInput, descriptionInput, issueInput, type Vale, valeOutput, valeStates } from './vale.ts';

const { route } = routesOf<Mexa>();
const tag = 'vales';

const filterShape = {
  user_id: idParameter.optional(),
  state: z.enum(valeStates.states as ['issued', 'redeemed', 'void']).optional(),
  from: instantParameter.optional(),
  to: instantParameter.optional(),
  amount_min: amountBoundInput.optional(),
  amount_max: amountBoundInput.optional(),
  q: plainText({ min: 1, max: 100 }).optional().meta({ description: 'Any part of the description' }),
};

const listQuery = z.strictObject({
  ...filterShape,
  limit: limitParameter(100, 1_000),
  cursor: cursorParameter('id'),
  format: z.enum(['json', 'csv']).default('json'),
});

const pageOutput = z.object({
  vales: z.array(valeOutput),
  count: z.int(),
  limit: z.int(),
  next: z.string().nullable(),
});
const reasonInput = plainText({ min: 1, max: 255 });
const replayed = { 'idempotency-replayed': 'true' };
const closingProblems = [
  'voucher_not_found',
  'voucher_already_redeemed',
  'voucher_already_void',
  'idempotency_key_reused',
] as const;
const csvColumns = Object.keys(valeOutput.shape) as (keyof Vale)[];

export const valeRoutes: readonly Route<Mexa>[] = [
  route({
    method: 'POST',
    path: '/vales',
    operation: 'vale.issue',
    summary: 'Draw a voucher',
    tag,
    body: issueInput,
    replies: { 201: valeOutput, 200: valeOutput },
    problems: ['voucher_user_unknown', 'voucher_request_reused'],
    isIdempotent: true,
    handle: async ({ app, context, body, idempotencyKey }) => {
      const key = drawKey(context, body, idempotencyKey);
      const outcome = await issueVale(app, context, { input: body, key });
      if (outcome.kind === 'refused') throw outcome.problem;
      if (outcome.kind === 'replayed') return { status: 200, body: outcome.vale, headers: replayed };
      return { status: 201, body: outcome.vale };
    },
  }),
  route({
    method: 'POST',
    path: '/vales/batch',
    operation: 'vale.issue_batch',
    summary: 'Draw up to 1,000 vouchers, each with its own outcome',
    tag,
    body: batchInput,
    bodyBytesMax: 4_194_304,
    replies: { 200: batchOutput },
    isIdempotent: true,
    handle: async ({ app, context, body, idempotencyKey }) => ({
      status: 200,
      body: await issueBatch(app, context, body.vales, idempotencyKey),
    }),
  }),
  route({
    method: 'GET',
    path: '/vales',
    operation: 'vale.list',
    summary: 'Vouchers, newest first, as pages or all of them as CSV',
    tag,
    query: listQuery,
    replies: { 200: pageOutput },
    streams: ['text/csv'],
    handle: async ({ app, query, ...call }) => {
      refuseEmptyRange(query.from, query.to);
      const filter = await filterFor(app, viewerOf(call), query);
      if (query.format === 'csv') {
        const stream = csvOf(everyVale(app, filter));
        return { status: 200, stream, contentType: 'text/csv; charset=utf-8', fileName: 'vales.csv' };
      }
      const { vales, next } = await listPage(app, filter, query);
      return { status: 200, body: { vales, count: vales.length, limit: query.limit, next } };
    },
  }),
  route({
    method: 'GET',
    path: '/vales/:id',
    operation: 'vale.find',
    summary: 'One voucher',
    tag,
    params: idParams,
    replies: { 200: valeOutput },
    problems: ['voucher_not_found'],
    isCacheable: true,
    handle: async ({ app, params, ...call }) => ({
      status: 200,
      body: await visibleVale(app, viewerOf(call), params.id),
    }),
  }),
  route({
    method: 'PATCH',
    path: '/vales/:id',
    operation: 'vale.describe',
    summary: 'Change the description, the only field that may change',
    tag,
    params: idParams,
    body: z.strictObject({ description: descriptionInput }),
    replies: { 200: valeOutput },
    problems: ['voucher_not_found'],
    handle: async ({ app, context, params, body }) => ({
      status: 200,
      body: await changeDescription(app, context, { id: params.id, description: body.description }),
    }),
  }),
  route({
    method: 'POST',
    path: '/vales/:id/redeem',
    operation: 'vale.redeem',
    summary: 'Redeem a voucher, once',
    tag,
    params: idParams,
    replies: { 200: valeOutput },
    problems: closingProblems,
    isIdempotent: true,
    handle: async ({ app, context, params, idempotencyKey }) => {
      const closed = await redeemVale(app, context, params.id, idempotencyKey);
      return { status: 200, body: closed.vale, headers: closed.isReplay ? replayed : {} };
    },
  }),
  route({
    method: 'POST',
    path: '/vales/:id/void',
    operation: 'vale.void',
    summary: 'Void a voucher, with a reason',
    tag,
    params: idParams,
    body: z.strictObject({ reason: reasonInput }),
    replies: { 200: valeOutput },
    problems: closingProblems,
    isIdempotent: true,
    handle: async ({ app, context, params, body, idempotencyKey }) => {
      const closed = await voidVale(app, context, { id: params.id, reason: body.reason, key: idempotencyKey });
      return { status: 200, body: closed.vale, headers: closed.isReplay ? replayed : {} };
    },
  }),
  route({
    method: 'DELETE',
    path: '/vales/:id',
    operation: 'vale.delete',
    summary: 'The same as void: a voucher never disappears',
    tag,
    params: idParams,
    query: z.strictObject({ reason: reasonInput.default('Deleted') }),
    replies: { 200: valeOutput },
    problems: closingProblems,
    isIdempotent: true,
    handle: async ({ app, context, params, query, idempotencyKey }) => {
      const closed = await voidVale(app, context, { id: params.id, reason: query.reason, key: idempotencyKey });
      return { status: 200, body: closed.vale, headers: closed.isReplay ? replayed : {} };
    },
  }),
  route({
    method: 'GET',
    path: '/vales/:id/history',
    operation: 'vale.history',
    summary: 'What was done to a voucher, oldest first, with what each step changed',
    tag,
    params: idParams,
    replies: { 200: timelineOutput },
    problems: ['voucher_not_found'],
    handle: async ({ app, params, ...call }) => {
      const { id } = await visibleVale(app, viewerOf(call), params.id);
      return { status: 200, body: await timelineOf(app, 'vale', id) };
    },
  }),
];

function viewerOf(call: Pick<Viewer, 'context'> & { can(permission: string): boolean }): Viewer {
  return { context: call.context, seesAll: call.can('vale.read_all') };
}

async function* csvOf(pages: AsyncGenerator<Vale[]>): AsyncGenerator<string> {
  yield csvLine(csvColumns);
  for await (const vales of pages) {
    yield vales.map((vale) => csvLine(csvColumns.map((column) => vale[column]))).join('');
  }
}

/** A range that ends before it begins is a mistake that would otherwise look like "nothing found". */
function refuseEmptyRange(from: Date | undefined, to: Date | undefined): void {
  if (!from || !to || from < to) return;
  const errors: FieldFault[] = [{ loc: ['query', 'to'], msg: 'Expected an instant after `from`', type: 'range' }];
  throw validationFailed({ summary: 'query.to: expected an instant after `from`' }, { errors });
}
