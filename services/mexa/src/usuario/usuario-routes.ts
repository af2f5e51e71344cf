import { cursorParameter, idParams, limitParameter, plainText, type Route, routesOf } from '@quinta/platform/http';
import { pageOf } from '@quinta/platform/kernel';
import { z } from 'zod';
import type { Mexa } from '../app.ts';
import { usuarioNotFound } from '../problems.ts';
import { changeUsuario, disableUsuario } from './change-usuario.ts';
import { createUsuario } from './make-usuario.ts';
import { emailInput, passwordInput, roleInput, usernameInput, usuarioOf, usuarioOutput } from './usuario.ts';
import { findUsuario, listUsuarios } from './usuario-store.ts';

const { route } = routesOf<Mexa>();
const tag = 'usuarios';

const listQuery = z.strictObject({
  role: roleInput.optional(),
  active: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .meta({ type: 'string', enum: ['true', 'false'] }),
  q: plainText({ min: 1, max: 100 }).optional().meta({ description: 'Any part of the name or the e-mail address' }),
  limit: limitParameter(100, 1_000),
  cursor: cursorParameter('id'),
});

const changeInput = z
  .strictObject({
    username: usernameInput.optional(),
    email: emailInput.optional(),
    role: roleInput.optional(),
    active: z.boolean().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, {
    message: 'Expected at least one field to change',
    params: { type: 'empty' },
  });

export const usuarioRoutes: readonly Route<Mexa>[] = [
  route({
    method: 'GET',
    path: '/usuarios',
    operation: 'usuario.list',
    summary: 'Users in the order of their ids',
    tag,
    query: listQuery,
    replies: {
      200: z.object({ usuarios: z.array(usuarioOutput), count: z.int(), limit: z.int(), next: z.string().nullable() }),
    },
    handle: async ({ app, query }) => {
      const { role, active, q: text, limit, cursor } = query;
      const afterId = cursor === undefined ? undefined : Number(cursor[0]);
      const rows = await listUsuarios(app.database, { role, active, text }, { afterId, limit: limit + 1 });
      const { items, next } = pageOf(rows, limit, (row) => [row.id]);
      return { status: 200, body: { usuarios: items.map(usuarioOf), count: items.length, limit, next } };
    },
  }),
  route({
    method: 'POST',
    path: '/usuarios',
    operation: 'usuario.create',
    summary: 'Make a user with a role',
    tag,
    body: z.strictObject({
      username: usernameInput,
      email: emailInput,
      password: passwordInput,
      role: roleInput.default('usuario'),
    }),
    replies: { 201: usuarioOutput },
    problems: ['username_taken', 'email_taken', 'idempotency_key_reused', 'idempotency_running', 'hashing_overloaded'],
    isIdempotent: true,
    handle: async ({ app, context, body, idempotencyKey }) => {
      const answer = await createUsuario(app, context, body, idempotencyKey);
      return { status: 201, body: answer.body, headers: answer.isReplay ? { 'idempotency-replayed': 'true' } : {} };
    },
  }),
  route({
    method: 'GET',
    path: '/usuarios/:id',
    operation: 'usuario.find',
    summary: 'One user',
    tag,
    params: idParams,
    replies: { 200: usuarioOutput },
    problems: ['user_not_found'],
    handle: async ({ app, params: { id } }) => {
      const row = await findUsuario(app.database, id);
      if (!row) throw usuarioNotFound({ id });
      return { status: 200, body: usuarioOf(row) };
    },
  }),
  route({
    method: 'PATCH',
    path: '/usuarios/:id',
    operation: 'usuario.update',
    summary: 'Change the name, address or role of a user, or switch one off or on',
    tag,
    params: idParams,
    body: changeInput,
    replies: { 200: usuarioOutput },
    problems: ['user_not_found', 'username_taken', 'email_taken', 'last_admin'],
    handle: async ({ app, context, params, body }) => ({
      status: 200,
      body: await changeUsuario(app, context, params.id, body),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/usuarios/:id',
    operation: 'usuario.disable',
    summary: 'Switch a user off; the row stays, because vouchers and audit rows name it',
    tag,
    params: idParams,
    replies: { 204: null },
    problems: ['user_not_found', 'last_admin'],
    handle: async ({ app, context, params }) => {
      await disableUsuario(app, context, params.id);
      return { status: 204, body: undefined };
    },
  }),
];
