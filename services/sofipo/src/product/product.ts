import { plainText } from '@quinta/platform/http';
import { formatMinor } from '@quinta/platform/kernel';
import { z } from 'zod';
import { amountInput, amountOrZeroInput, amountOutput } from '../amount.ts';
import { type ProductTerms, productTerms } from '../loan/loan-terms.ts';
import { annualRateInput, type LoanInput, productTermsInput, termInput } from '../loan/terms-input.ts';
import { plainOf } from '../plain.ts';

/** The product of a loan that names none. */
export const defaultProduct = 'personal';

const codeInput = z.string().regex(/^[a-z][a-z0-9_-]{1,29}$/, {
  error: 'Expected 2 to 30 of a-z, 0-9, _ and -, the first a letter',
});

const limitsInput = z
  .strictObject({
    amount_min: amountInput.optional(),
    amount_max: amountInput.optional(),
    term_min: termInput.optional(),
    term_max: termInput.optional(),
    rate_min: annualRateInput.optional(),
    rate_max: annualRateInput.optional(),
    approval_above: amountOrZeroInput.optional().meta({
      description: 'A loan of more than this is approved by a second person; 0: every loan',
      example: '100000.00',
    }),
  })
  .superRefine((limits, check) => {
    for (const name of ['amount', 'term', 'rate'] as const) {
      const [least, most] = [limits[`${name}_min`], limits[`${name}_max`]];
      if (least === undefined || most === undefined || Number(least) <= Number(most)) continue;
      check.addIssue({ code: 'custom', path: [`${name}_min`], message: `Expected at most ${name}_max` });
    }
  });

const contentShape = {
  name: plainText({ max: 100 }),
  is_negotiable: z
    .boolean()
    .default(false)
    .meta({ description: 'Whether a loan may have terms that differ from the product’s' }),
  is_open: z.boolean().default(true).meta({ description: 'Whether new loans are granted under it' }),
  terms: productTermsInput.default({}),
  limits: limitsInput.default({}),
};

/** What makes a new version of a product. */
export const productContent = z.strictObject(contentShape);
/** What makes a new product. */
export const productInput = z.strictObject({ code: codeInput, ...contentShape });

export type ProductContent = z.output<typeof productContent>;

export const productLimits = z.object({
  amount_min: z.string().optional(),
  amount_max: z.string().optional(),
  term_min: z.int().optional(),
  term_max: z.int().optional(),
  rate_min: z.string().optional(),
  rate_max: z.string().optional(),
  approval_above: z.string().optional(),
});

const keptTerms = productTerms.extend({ is_negotiable: z.boolean().default(false) });

export interface ProductRow {
  readonly code: string;
  readonly version: number;
  readonly name: string;
  readonly terms: unknown;
  readonly limits: unknown;
  readonly is_open: boolean;
  readonly created_at: Date;
}

/** A version of a product. */
export interface Product {
  readonly code: string;
  readonly version: number;
  readonly isOpen: boolean;
  readonly isNegotiable: boolean;
  readonly terms: ProductTerms;
  readonly limits: z.output<typeof productLimits>;
}

export const productOutput = z.object({
  code: z.string(),
  version: z.int(),
  name: z.string(),
  is_negotiable: z.boolean(),
  is_open: z.boolean(),
  terms: productTerms,
  limits: productLimits.extend({ amount_min: amountOutput.optional(), amount_max: amountOutput.optional() }),
  created_at: z.iso.datetime(),
});

export function productOf(row: ProductRow): Product {
  const { is_negotiable: isNegotiable, ...terms } = keptTerms.parse(row.terms);
  const limits = productLimits.parse(row.limits);
  return { code: row.code, version: row.version, isOpen: row.is_open, isNegotiable, terms, limits };
}

export function shownProduct(row: ProductRow): z.output<typeof productOutput> {
  const { isNegotiable, terms, limits } = productOf(row);
  return {
    code: row.code,
    version: row.version,
    name: row.name,
    is_negotiable: isNegotiable,
    is_open: row.is_open,
    terms,
    limits,
    created_at: row.created_at.toISOString(),
  };
}

/** The content as it is kept. */
export function keptContent({ terms, limits, is_negotiable }: ProductContent): {
  readonly terms: unknown;
  readonly limits: unknown;
} {
  return { terms: { ...(plainOf(terms) as object), is_negotiable }, limits: plainOf(limits) };
}

/** What of a loan a product does not allow, by the name of the field; nothing where it allows all. */
export function beyondLimits(
  { limits }: Pick<Product, 'limits'>,
  loan: Pick<LoanInput, 'amount' | 'term_months' | 'interest_rate'>,
): readonly { readonly field: string; readonly expected: string }[] {
  const asked = { amount: formatMinor(loan.amount), term: String(loan.term_months), rate: loan.interest_rate };
  const fields = { amount: 'amount', term: 'term_months', rate: 'interest_rate' } as const;
  return (['amount', 'term', 'rate'] as const).flatMap((name) => {
    const [least, most] = [limits[`${name}_min`], limits[`${name}_max`]];
    if (least !== undefined && isLess(asked[name], String(least)))
      return [{ field: fields[name], expected: `at least ${least}` }];
    if (most !== undefined && isLess(String(most), asked[name]))
      return [{ field: fields[name], expected: `at most ${most}` }];
    return [];
  });
}

/** Whether a second person has to approve a loan of this amount. */
export function needsApproval({ limits }: Pick<Product, 'limits'>, amount: bigint): boolean {
  return limits.approval_above !== undefined && isLess(limits.approval_above, formatMinor(amount));
}

/** Compares decimals exactly, whatever the number of their digits. */
function isLess(one: string, other: string): boolean {
  const digits = Math.max(...[one, other].map((text) => text.split('.')[1]?.length ?? 0));
  const whole = (text: string): bigint => {
    const [front = '0', back = ''] = text.split('.');
    return BigInt(front + back.padEnd(digits, '0'));
  };
  return whole(one) < whole(other);
}
