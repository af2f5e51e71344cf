import { defineStates, parseMinor } from '@quinta/platform/kernel';
import { z } from 'zod';
import { plainText } from '@quinta/platform/http';
import type { ValeRow } from '../tables.ts';

/** A voucher is issued, then redeemed or void, once. */
export const valeStates = defineStates({ issued: ['redeemed', 'void'], redeemed: [], void: [] });

/** 99,999,999.99 in cents: what numeric(10,2) holds. */
const amountMaxMinor = 9_999_999_999n;
const descriptionLengthMax = 255;
export const batchSizeMax = 1_000;

/** A decimal string or number with two decimals at most, from the least amount said to the greatest. Cents inside. */
function amountFrom(leastMinor: bigint, expected: string) {
  return z.union([z.string().max(40), z.number()]).transform((value, check) => {
    const minor = parseMinor(value);
    if (typeof minor === 'object') {
      check.addIssue({ code: 'custom', message: `Invalid amount: ${minor.sentence}`, params: { type: minor.type } });
      return z.NEVER;
    }
    if (minor >= leastMinor && minor <= amountMaxMinor) return minor;
    const message = `Invalid amount: expected ${expected} and at most 99999999.99`;
    check.addIssue({ code: 'custom', message, params: { type: 'out_of_range' } });
    return z.NEVER;
  });
}

/** An amount as clients send it. */
const amountInput = amountFrom(1n, 'more than 0').meta({
  description: 'More than 0, at most 99999999.99, two decimals',
  example: '125.50',
});

/** A bound of a search: the earlier system also wrote amounts of zero and below. */
export const amountBoundInput = amountFrom(-amountMaxMinor, 'at least -99999999.99').meta({ example: '125.50' });

export const descriptionInput = plainText({ max: descriptionLengthMax }).nullable();

/** What a client sends to draw a voucher. */
export const issueInput = z.strictObject({
  amount: amountInput,
  description: descriptionInput.optional(),
  user_id: z.int().min(1).max(2_147_483_647).optional().meta({ description: 'Who draws it; default the caller' }),
  request_id: z.guid().optional().meta({ description: 'The idempotency key: a retry with it gets the same voucher' }),
});

export type IssueInput = z.output<typeof issueInput>;

/** A voucher as clients read it. */
export const valeOutput = z
  .object({
    id: z.int(),
    user_id: z.int(),
    request_id: z.guid(),
    amount: z.string(),
    description: z.string().nullable(),
    state: z.enum(['issued', 'redeemed', 'void']),
    created_at: z.iso.datetime(),
    issued_by: z.int().nullable(),
    redeemed_at: z.iso.datetime().nullable(),
    redeemed_by: z.int().nullable(),
    voided_at: z.iso.datetime().nullable(),
    voided_by: z.int().nullable(),
    void_reason: z.string().nullable(),
  })
  .meta({
    example: {
      id: 41,
      user_id: 7,
      request_id: '0190f3a2-5c1e-7a43-9a51-0f2a6d1c9e11',
      amount: '125.50',
      description: 'Safety gloves',
      state: 'issued',
      created_at: '2026-01-31T15:04:05.000Z',
      issued_by: 2,
      redeemed_at: null,
      redeemed_by: null,
      voided_at: null,
      voided_by: null,
      void_reason: null,
    },
  });

export type Vale = z.output<typeof valeOutput>;

export function valeOf(row: ValeRow): Vale {
  return {
    id: row.id,
    user_id: row.user_id,
    request_id: row.request_id,
    amount: row.amount,
    description: row.description,
    state: row.state,
    created_at: row.created_at.toISOString(),
    issued_by: row.issued_by,
    redeemed_at: row.redeemed_at?.toISOString() ?? null,
    redeemed_by: row.redeemed_by,
    voided_at: row.voided_at?.toISOString() ?? null,
    voided_by: row.voided_by,
    void_reason: row.void_reason,
  };
}
