import { redact, type RedactionRules } from '@quinta/platform/audit';
import { plainText } from '@quinta/platform/http';
import { z } from 'zod';
import { mexaRoles } from '../roles.ts';
import type { UsuarioRow } from '../tables.ts';

/** What of a user must not stand in the audit as it is. */
export const usuarioRedaction: RedactionRules = { secret: ['password_hash'], personal: ['username', 'email'] };

export const roleInput = z.enum(mexaRoles.roles as ['admin', 'cajero', 'usuario', 'auditor']);

export const usernameInput = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{2,49}$/u, 'Expected 3 to 50 letters, digits, dots, dashes or underscores')
  .meta({ example: 'ana.mora' });

/** Kept in lower case: two addresses that differ by case alone are one person's. */
export const emailInput = z
  .email()
  .max(100)
  .transform((address) => address.toLowerCase())
  .meta({ type: 'string', format: 'email', maxLength: 100, example: 'ana@example.com' });

/** Only its length in bytes is bounded here; the rules for a new one are the platform's. */
export const passwordInput = plainText({ min: 1, max: 1_024 }).meta({ format: 'password' });

export const usuarioOutput = z.object({
  id: z.int(),
  username: z.string(),
  email: z.string(),
  role: roleInput,
  active: z.boolean(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});

export type Usuario = z.output<typeof usuarioOutput>;

/** A user as clients read it: the hash never leaves. */
export function usuarioOf(row: UsuarioRow): Usuario {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    role: row.role,
    active: row.disabled_at === null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

/** A user as the audit keeps it. */
export function auditedUsuario(row: UsuarioRow): Readonly<Record<string, unknown>> {
  const { id, username, email, role, disabled_at: disabledAt } = row;
  return redact({ id, username, email, role, active: disabledAt === null }, usuarioRedaction);
}
