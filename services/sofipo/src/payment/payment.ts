import { formatMinor } from '@quinta/platform/kernel';
import { z } from 'zod';
import { amountInput, amountOutput } from '../amount.ts';
import type { Split } from '../engine/index.ts';

/** A row of `payments`; amounts are decimal text. */
export interface PaymentRow {
  readonly id: string;
  readonly loan_id: string;
  readonly amount: string;
  readonly payment_date: Date;
  readonly principal: string;
  readonly interest: string;
  readonly vat: string;
  readonly fee: string;
  readonly penalty: string;
  readonly reversed_at: Date | null;
}

export const paymentInput = z.strictObject({ amount: amountInput });

const splitOutput = z.object({
  principal: amountOutput,
  interest: amountOutput,
  vat: amountOutput,
  fee: amountOutput,
  penalty: amountOutput,
});

/** A payment as other systems read it; the first three members are the earlier system's. */
export const paymentOutput = z.object({
  id: z.guid(),
  amount: amountOutput,
  payment_date: z.iso.datetime(),
  loan_id: z.guid(),
  split: splitOutput.meta({ description: 'What of it settled what' }),
  reversed_at: z.iso.datetime().nullable(),
});

export type Payment = z.output<typeof paymentOutput>;

export function paymentOf(row: PaymentRow): Payment {
  const { principal, interest, vat, fee, penalty } = row;
  return {
    id: row.id,
    amount: row.amount,
    payment_date: row.payment_date.toISOString(),
    loan_id: row.loan_id,
    split: { principal, interest, vat, fee, penalty },
    reversed_at: row.reversed_at?.toISOString() ?? null,
  };
}

/** A split as decimal text. */
export function splitTexts(split: Split): Readonly<Record<keyof Split, string>> {
  return {
    principal: formatMinor(split.principal),
    interest: formatMinor(split.interest),
    vat: formatMinor(split.vat),
    fee: formatMinor(split.fee),
    penalty: formatMinor(split.penalty),
  };
}
