import { plainText } from '@quinta/platform/http';
import { z } from 'zod';
import { amountInput, amountOrZeroInput, rateInput } from '../amount.ts';
import { type Bucket, defaultOrder, termMax } from '../engine/index.ts';

export const dateInput = z.iso
  .date()
  .refine((text) => text >= '1990-01-01' && text <= '2100-12-31', { error: 'Expected a date of 1990 to 2100' });
export const termInput = z.coerce.number().int().min(1).max(termMax);
const graceDays = z.int().min(0).max(365).default(0);
const bucketsMax = defaultOrder.length;

/** An annual rate as `loans.interest_rate` holds it. */
export const annualRateInput = rateInput.refine((text) => text.length <= 6, {
  error: 'Expected four decimals at most',
});

const feesInput = z.strictObject({
  opening_rate: rateInput.optional(),
  opening_amount: amountOrZeroInput.optional(),
  per_installment: amountOrZeroInput.optional(),
});

/** How instalments are reckoned; what is not said is as the product has it. */
const scheduleShape = {
  method: z.enum(['french', 'equal_principal', 'flat', 'bullet']),
  frequency: z.enum(['monthly', 'fortnightly', 'biweekly', 'weekly']),
  day_count: z.enum(['30/360', 'actual/365', 'actual/360', 'actual/actual', '364']),
  business_days: z.enum(['none', 'following']),
  installment_multiple: amountInput.meta({ description: 'Default 0.01', example: '1.00' }),
  rounding: z.enum(['half_even', 'half_up']),
  vat_rate: rateInput.meta({ description: 'On interest; default none', example: 0.16 }),
  fees: feesInput,
};

const buckets: readonly string[] = defaultOrder;

/** How a loan is served beside its schedule. */
const servicingShape = {
  vat_on_fees: z.boolean(),
  grace_on_principal: z.int().min(0).max(termMax).meta({ description: 'So many first instalments repay no principal' }),
  grace_on_interest: z.int().min(0).max(termMax).meta({ description: 'So many first instalments pay no interest' }),
  prepayment: z.enum(['reduce_term', 'reduce_installment', 'next_installment']),
  accrual: z.enum(['schedule', 'daily']),
  late_fee: z
    .strictObject({ amount: amountInput, grace_days: graceDays })
    .meta({ description: 'For each instalment that is late; not beside a penalty' }),
  penalty: z
    .strictObject({
      annual_rate: z
        .union([z.string().max(20), z.number()])
        .transform(String)
        .refine((text) => /^(?:\d|10)(?:\.\d{1,10})?$/.test(text), {
          error: 'Expected a rate from 0 to 10, such as 0.45 for 45 % a year',
        })
        .meta({ description: 'Moratory interest a year on late principal', example: '0.45' }),
      grace_days: graceDays,
      days_per_year: z.union([z.literal(360), z.literal(365)]).default(360),
    })
    .meta({ description: 'Not beside a late fee' }),
  allocation: z
    .array(z.string().refine((text): text is Bucket => buckets.includes(text), { error: 'Expected a known bucket' }))
    .max(bucketsMax)
    .meta({ description: 'In which order a payment settles', example: [...defaultOrder] }),
};

/** The terms that a product pins, each optional. */
export const productTermsInput = z.strictObject({ ...scheduleShape, ...servicingShape }).partial();

const { method, frequency, day_count, business_days, rounding, installment_multiple, vat_rate, fees } = scheduleShape;

/** What `POST /loans/simulate` takes. */
export const simulationInput = z
  .strictObject({
    amount: amountInput,
    interest_rate: rateInput,
    term: termInput.optional(),
    term_months: termInput.optional(),
    start_date: dateInput.optional(),
    first_due_date: dateInput.optional(),
    method: method.default('french'),
    frequency: frequency.default('monthly'),
    day_count: day_count.default('30/360'),
    business_days: business_days.default('none'),
    rounding: rounding.default('half_even'),
    installment_multiple: installment_multiple.optional(),
    vat_rate: vat_rate.optional(),
    fees: fees.optional(),
  })
  .refine((input) => (input.term === undefined) !== (input.term_months === undefined), {
    message: 'Expected either term or term_months',
    path: ['term'],
    params: { type: 'term' },
  });

/** What `POST /loans` takes: the README's body, under which product, and what differs from it where it may. */
export const loanInput = z.strictObject({
  client_id: z.guid(),
  amount: amountInput,
  interest_rate: annualRateInput,
  term_months: termInput,
  product: z
    .string()
    .regex(/^[\w-]{1,30}$/)
    .optional()
    .meta({ description: 'Default: personal', example: 'personal' }),
  start_date: dateInput.optional(),
  first_due_date: dateInput.optional(),
  ...productTermsInput.shape,
  note: plainText({ max: 255 }).optional(),
});

export type LoanInput = z.output<typeof loanInput>;
export type ProductTermsInput = z.output<typeof productTermsInput>;

/** The names of the terms that a product may pin. */
export const pinnedNames = Object.keys(productTermsInput.shape) as readonly (keyof ProductTermsInput)[];
