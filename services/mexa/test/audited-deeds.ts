import { randomUUID } from 'node:crypto';
import type { HttpCall } from '@quinta/platform/testing';
import { expect } from 'vitest';
import type { AuditLog } from '../src/audit-log/audit-log.ts';
import { demoPassword, type MexaWorld } from './mexa-world.ts';
import { freshName, goodPassword, newPerson, signIn } from './people.ts';
import { sql } from './sql.ts';
import { newVale } from './vouchers.ts';

export interface Deed {
  readonly path: string;
  readonly request: HttpCall;
  /** The one row that it leaves, besides what every row has. */
  readonly row: Partial<AuditLog>;
}

async function idOf({ owner }: MexaWorld, username: string): Promise<number> {
  const [row] = await sql<{ id: number }>(owner, 'select id from usuarios where username = $1', [username]);
  return row?.id ?? 0;
}

/** Everything that changes a state, and everything else that leaves a row. */
export const auditedDeeds: Readonly<Record<string, (world: MexaWorld) => Promise<Deed>>> = {
  'drawing a voucher': async (world) => {
    const requestId = randomUUID();
    return {
      path: '/vales',
      request: { token: world.tokens.cajero, body: { amount: 3, description: 'Casco', request_id: requestId } },
      row: {
        action: 'create',
        resource_type: 'vale',
        user_id: await idOf(world, 'cajero.demo'),
        old_values: null,
        new_values: expect.objectContaining({
          amount: '3.00',
          description: 'Casco',
          request_id: requestId,
          state: 'issued',
        }) as AuditLog['new_values'],
      },
    };
  },
  'describing a voucher': async (world) => {
    const { id } = await newVale(world, { description: 'a' });
    return {
      path: `/vales/${id}`,
      request: { method: 'PATCH', token: world.tokens.admin, body: { description: null } },
      row: {
        action: 'update',
        resource_type: 'vale',
        resource_id: id,
        user_id: await idOf(world, 'admin.demo'),
        old_values: { description: 'a' },
        new_values: { description: null },
      },
    };
  },
  'redeeming a voucher': async (world) => {
    const { id } = await newVale(world);
    const redeemedBy = await idOf(world, 'cajero.demo');
    return {
      path: `/vales/${id}/redeem`,
      request: { method: 'POST', token: world.tokens.cajero },
      row: {
        action: 'redeem',
        resource_type: 'vale',
        resource_id: id,
        user_id: redeemedBy,
        old_values: { state: 'issued' },
        new_values: { state: 'redeemed', redeemed_at: expect.stringMatching(/Z$/) as string, redeemed_by: redeemedBy },
      },
    };
  },
  'voiding a voucher': async (world) => {
    const { id } = await newVale(world);
    const voidedBy = await idOf(world, 'admin.demo');
    return {
      path: `/vales/${id}/void`,
      request: { token: world.tokens.admin, body: { reason: 'Repetido' } },
      row: {
        action: 'void',
        resource_type: 'vale',
        resource_id: id,
        user_id: voidedBy,
        old_values: { state: 'issued' },
        new_values: {
          state: 'void',
          voided_at: expect.stringMatching(/Z$/) as string,
          voided_by: voidedBy,
          void_reason: 'Repetido',
        },
      },
    };
  },
  'deleting a voucher': async (world) => {
    const { id } = await newVale(world);
    return {
      path: `/vales/${id}`,
      request: { method: 'DELETE', token: world.tokens.admin },
      row: {
        action: 'void',
        resource_type: 'vale',
        resource_id: id,
        user_id: await idOf(world, 'admin.demo'),
        old_values: { state: 'issued' },
      },
    };
  },
  registering: async () => {
    const username = freshName();
    return {
      path: '/auth/register',
      request: { body: { username, email: `${username}@example.com`, password: goodPassword } },
      row: {
        action: 'create',
        resource_type: 'usuario',
        old_values: null,
        new_values: {
          id: expect.any(Number) as number,
          username: 'p***',
          email: 'p***@e***',
          role: 'usuario',
          active: true,
        },
      },
    };
  },
  'making a user': async (world) => {
    const username = freshName();
    return {
      path: '/usuarios',
      request: {
        token: world.tokens.admin,
        body: { username, email: `${username}@example.com`, password: goodPassword, role: 'auditor' },
      },
      row: { action: 'create', resource_type: 'usuario', user_id: await idOf(world, 'admin.demo') },
    };
  },
  'changing a user': async (world) => {
    const { id } = await newPerson(world);
    return {
      path: `/usuarios/${id}`,
      request: { method: 'PATCH', token: world.tokens.admin, body: { role: 'cajero' } },
      row: {
        action: 'update',
        resource_type: 'usuario',
        resource_id: id,
        user_id: await idOf(world, 'admin.demo'),
        old_values: { role: 'usuario' },
        new_values: { role: 'cajero' },
      },
    };
  },
  'switching a user off': async (world) => {
    const { id } = await newPerson(world);
    return {
      path: `/usuarios/${id}`,
      request: { method: 'DELETE', token: world.tokens.admin },
      row: {
        action: 'delete',
        resource_type: 'usuario',
        resource_id: id,
        user_id: await idOf(world, 'admin.demo'),
        old_values: { active: true },
        new_values: { active: false },
      },
    };
  },
  'signing in': async (world) => {
    const id = await idOf(world, 'lucia.demo');
    return {
      path: '/auth/login',
      request: { body: { username: 'lucia.demo', password: demoPassword } },
      row: {
        action: 'login_success',
        resource_type: 'usuario',
        resource_id: id,
        user_id: id,
        old_values: null,
        new_values: null,
        details: { session_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string },
      },
    };
  },
  'failing to sign in': async (world) => ({
    path: '/auth/login',
    request: { body: { username: 'lucia.demo', password: 'hunter2' } },
    row: {
      action: 'login_failed',
      resource_type: 'usuario',
      resource_id: await idOf(world, 'lucia.demo'),
      user_id: null,
      details: { identifier: 'l***' },
    },
  }),
  'signing out': async (world) => {
    const { access_token: token, user } = await signIn(world, await newPerson(world));
    return {
      path: '/auth/logout',
      request: { method: 'POST', token },
      row: { action: 'logout', resource_type: 'usuario', resource_id: user.id, user_id: user.id },
    };
  },
  'changing a password': async (world) => {
    const { access_token: token, user } = await signIn(world, await newPerson(world));
    return {
      path: '/auth/change-password',
      request: { token, body: { current_password: goodPassword, new_password: `${goodPassword} 2` } },
      row: {
        action: 'password_changed',
        resource_type: 'usuario',
        resource_id: user.id,
        user_id: user.id,
        old_values: null,
        new_values: null,
        details: null,
      },
    };
  },
  'being refused': async (world) => ({
    path: '/usuarios',
    request: { token: world.tokens.usuario },
    row: {
      action: 'refused',
      resource_type: 'permission',
      resource_id: null,
      user_id: await idOf(world, 'lucia.demo'),
      details: { permission: 'usuario.list' },
    },
  }),
  'searching the audit': async (world) => ({
    path: '/audit-logs?action=void&limit=3',
    request: { token: world.tokens.auditor },
    row: {
      action: 'read',
      resource_type: 'audit_log',
      user_id: await idOf(world, 'auditor.demo'),
      details: { action: 'void' },
    },
  }),
  'reading an audit row': async (world) => ({
    path: '/audit-logs/1',
    request: { token: world.tokens.auditor },
    row: { action: 'read', resource_type: 'audit_log', details: { id: 1 } },
  }),
  'reading what a request did': async (world) => ({
    path: '/audit-logs/request/00000000-0000-4000-8000-000000000000',
    request: { token: world.tokens.auditor },
    row: {
      action: 'read',
      resource_type: 'audit_log',
      details: { request_id: '00000000-0000-4000-8000-000000000000' },
    },
  }),
  'reading the statistics': async (world) => ({
    path: '/audit-logs/stats?from=2001-01-01&to=2001-01-02',
    request: { token: world.tokens.auditor },
    row: {
      action: 'read',
      resource_type: 'audit_log',
      details: { stats: { from: '2001-01-01T00:00:00.000Z', to: '2001-01-02T00:00:00.000Z' } },
    },
  }),
  'exporting the audit': async (world) => ({
    path: '/audit-logs/export?format=csv&method=POST',
    request: { token: world.tokens.auditor },
    row: { action: 'export', resource_type: 'audit_log', details: { format: 'csv', method: 'POST' } },
  }),
};
