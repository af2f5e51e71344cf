import { limitParameter, type Route, routesOf } from '@quinta/platform/http';
import { z } from 'zod';
import type { Sofipo } from '../app.ts';
import { productNotFound } from '../problems.ts';
import { keepProduct } from './keep-product.ts';
import { productContent, productInput, productOutput, shownProduct } from './product.ts';
import { findProduct, listProducts } from './product-store.ts';

const { route, signedInRoute } = routesOf<Sofipo>();
const tag = 'products';
const params = z.object({ code: z.string().regex(/^[\w-]{1,30}$/) });
const versionsMax = 1_000;

export const productRoutes: readonly Route<Sofipo>[] = [
  signedInRoute({
    method: 'GET',
    path: '/products',
    operation: 'product.list',
    summary: 'The products that loans are granted under, each in its newest version',
    tag,
    query: z.strictObject({ limit: limitParameter(100, versionsMax) }),
    replies: { 200: z.array(productOutput) },
    handle: async ({ app, context, query }) => ({
      status: 200,
      body: (await listProducts(app.reads(context), query)).map(shownProduct),
    }),
  }),
  signedInRoute({
    method: 'GET',
    path: '/products/:code',
    operation: 'product.find',
    summary: 'A product as new loans get it',
    tag,
    params,
    replies: { 200: productOutput },
    problems: ['product_not_found'],
    handle: async ({ app, context, params: { code } }) => {
      const row = await findProduct(app.reads(context, `product:${code}`), code);
      if (!row) throw productNotFound({ code });
      return { status: 200, body: shownProduct(row) };
    },
  }),
  signedInRoute({
    method: 'GET',
    path: '/products/:code/versions',
    operation: 'product.versions',
    summary: 'Every version of a product, newest first',
    tag,
    params,
    query: z.strictObject({ limit: limitParameter(100, versionsMax) }),
    replies: { 200: z.array(productOutput) },
    problems: ['product_not_found'],
    handle: async ({ app, context, params: { code }, query }) => {
      const rows = await listProducts(app.reads(context, `product:${code}`), { code, ...query });
      if (rows.length === 0) throw productNotFound({ code });
      return { status: 200, body: rows.map(shownProduct) };
    },
  }),
  route({
    method: 'POST',
    path: '/products',
    operation: 'product.create',
    summary: 'Make a product: the terms that its loans have, and within what limits',
    tag,
    body: productInput,
    replies: { 201: productOutput },
    problems: ['product_taken', 'lending_refused', 'idempotency_key_reused', 'idempotency_running'],
    isIdempotent: true,
    handle: async ({ app, context, body: { code, ...content }, idempotencyKey }) => {
      const answer = await keepProduct(app, context, { code, isNew: true, content, key: idempotencyKey });
      return { status: 201, body: answer.body, headers: answer.isReplay ? { 'idempotency-replayed': 'true' } : {} };
    },
  }),
  route({
    method: 'PUT',
    path: '/products/:code',
    operation: 'product.change',
    summary: 'A new version of a product; loans that were granted keep theirs',
    tag,
    params,
    body: productContent,
    replies: { 200: productOutput },
    problems: ['product_not_found', 'lending_refused'],
    handle: async ({ app, context, params: { code }, body }) => ({
      status: 200,
      body: (await keepProduct(app, context, { code, isNew: false, content: body })).body,
    }),
  }),
];
