import { z } from 'zod';

/** What the peers answer to, word for word what MEXA does: the bench checks it before it measures. */

export const path = '/api/v1/vales';

/** More than 0, at most 99,999,999.99, two decimals at most; text or number in, text with two decimals out. */
const amount = z
  .union([z.string(), z.number()])
  .transform(String)
  .pipe(z.string().regex(/^\d{1,8}(\.\d{1,2})?$/, 'Expected an amount with two decimals at most'))
  .refine((text) => Number(text) > 0, 'Expected more than 0')
  .transform((text) => {
    const [whole, cents = ''] = text.split('.');
    return `${Number(whole)}.${cents.padEnd(2, '0')}`;
  });

export const issueInput = z.strictObject({
  amount,
  description: z.string().max(255).nullable().optional(),
  user_id: z.int().min(1).max(2_147_483_647).optional(),
  request_id: z.guid().optional(),
});

const mayIssue = new Set(['admin', 'cajero']);

/** Whether the role of a token may draw vouchers. */
export function mayDraw(role) {
  return mayIssue.has(role);
}

/** A refusal with its status; the frameworks turn it into an answer. */
export class Refusal extends Error {
  constructor(status, message, options) {
    super(message, options);
    this.status = status;
  }
}

/** A voucher as clients read it. */
export function valeOf(row) {
  return {
    id: row.id,
    user_id: row.user_id,
    request_id: row.request_id,
    amount: row.amount,
    description: row.description,
    state: row.state,
    created_at: row.created_at.toISOString(),
    issued_by: row.issued_by,
    redeemed_at: row.redeemed_at,
    redeemed_by: row.redeemed_by,
    voided_at: row.voided_at,
    voided_by: row.voided_by,
    void_reason: row.void_reason,
  };
}
