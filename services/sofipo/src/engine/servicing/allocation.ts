import { roundQuotient } from '../number/rounding.ts';
import { LendingRefusal } from '../refusal.ts';

export type Timing = 'past_due' | 'due' | 'in_advance';
export type Component = 'penalty' | 'fee' | 'vat' | 'interest' | 'principal';
export type Bucket = `${Timing}_${Component}`;

/** Something that a payment may settle, in centavos, and the VAT that goes with it. */
export interface Claim {
  readonly timing: Timing;
  readonly component: Exclude<Component, 'vat'>;
  readonly amount: bigint;
  readonly vat: bigint;
}

/** What of a payment went where; the parts sum to what was allocated. */
export type Split = Readonly<Record<Component, bigint>>;

/** A claim and what of a payment settles it. */
export interface Settled<C extends Claim> {
  readonly claim: C;
  readonly amount: bigint;
  readonly vat: bigint;
}

export interface Allocation<C extends Claim> {
  readonly settled: readonly Settled<C>[];
  readonly split: Split;
  /** What is left when every claim is settled. */
  readonly rest: bigint;
}

const timings: readonly Timing[] = ['past_due', 'due', 'in_advance'];
const components: readonly Component[] = ['penalty', 'fee', 'vat', 'interest', 'principal'];

/** Penalties, fees, VAT, interest accrued to the day, principal; in each, what is longest due first. */
export const defaultOrder: readonly Bucket[] = components.flatMap((component) =>
  timings.map((timing): Bucket => `${timing}_${component}`),
);

export const nothingSplit: Split = { penalty: 0n, fee: 0n, vat: 0n, interest: 0n, principal: 0n };

/**
 * Throws a LendingRefusal unless the order names each bucket of penalty, fee, interest and principal once. Those of VAT may
 * be left out together: VAT then follows its interest or fee in proportion.
 */
export function checkOrder(order: readonly Bucket[]): void {
  const isSeparate = hasVatBuckets(order);
  const expected = defaultOrder.filter((bucket) => isSeparate || !bucket.endsWith('_vat'));
  if (order.length === expected.length && expected.every((bucket) => order.includes(bucket))) return;
  throw new LendingRefusal('conflicting_terms', {
    field: 'allocation',
    given: order.join(', '),
    expected: `each of ${expected.join(', ')} once`,
  });
}

/**
 * Spreads a payment over claims in the order of the buckets; within a bucket the claims keep their own order. A claim that
 * is met in part takes VAT in proportion, to the centavo, unless the order has buckets of its own for VAT.
 */
export function allocatePayment<C extends Claim>(
  amount: bigint,
  claims: readonly C[],
  order: readonly Bucket[] = defaultOrder,
): Allocation<C> {
  const claimed = claims.reduce((sum, claim) => sum + claim.amount + claim.vat, 0n);
  if (claimed <= amount) {
    const settled = claims.map((claim) => ({ claim, amount: claim.amount, vat: claim.vat }));
    return { settled, split: splitOf(settled), rest: amount - claimed };
  }
  const { steps, isVatSeparate } = stepsOf(order);
  const paid = claims.map(() => ({ amount: 0n, vat: 0n }));
  let rest = amount;
  // By index: this is the innermost loop of every replay, and a pair for each claim would be half of its time.
  for (const step of steps) {
    for (let index = 0; index < claims.length && rest > 0n; index += 1) {
      const claim = claims[index];
      const own = paid[index];
      const part = claim?.timing === step.timing && partOf(claim, step.component, isVatSeparate, rest);
      if (!part || !own) continue;
      own.amount += part.amount;
      own.vat += part.vat;
      rest -= part.amount + part.vat;
    }
  }
  const settled = claims.flatMap((claim, index) => {
    const { amount: part, vat } = paid[index] ?? { amount: 0n, vat: 0n };
    return part + vat > 0n ? [{ claim, amount: part, vat }] : [];
  });
  return { settled, split: splitOf(settled), rest };
}

/** Two splits as one. */
export function addSplits(left: Split, right: Split): Split {
  return {
    penalty: left.penalty + right.penalty,
    fee: left.fee + right.fee,
    vat: left.vat + right.vat,
    interest: left.interest + right.interest,
    principal: left.principal + right.principal,
  };
}

/** What `left` is more than `right`, part by part; parts may be negative. */
export function subtractSplit(left: Split, right: Split): Split {
  const { penalty, fee, vat, interest, principal } = right;
  return addSplits(left, { penalty: -penalty, fee: -fee, vat: -vat, interest: -interest, principal: -principal });
}

/** A bucket taken apart. */
interface Step {
  readonly timing: Timing;
  readonly component: Component;
}

interface Steps {
  readonly steps: readonly Step[];
  readonly isVatSeparate: boolean;
}

/** Every payment of a replay goes through its order, so each order is taken apart once. */
const knownSteps = new WeakMap<readonly Bucket[], Steps>();

function stepsOf(order: readonly Bucket[]): Steps {
  const known = knownSteps.get(order);
  if (known) return known;
  const steps = order.flatMap((bucket) =>
    timings.flatMap((timing) =>
      components.filter((component) => bucket === `${timing}_${component}`).map((component) => ({ timing, component })),
    ),
  );
  const made = { steps, isVatSeparate: hasVatBuckets(order) };
  knownSteps.set(order, made);
  return made;
}

function hasVatBuckets(order: readonly Bucket[]): boolean {
  return order.some((bucket) => bucket.endsWith('_vat'));
}

// oxlint-disable-next-line eslint/max-params -- four facts of one decision in the innermost loop
function partOf(
  claim: Claim,
  component: Component,
  isVatSeparate: boolean,
  rest: bigint,
): { amount: bigint; vat: bigint } | undefined {
  if (isVatSeparate && component === 'vat') {
    return claim.vat > 0n ? { amount: 0n, vat: least(claim.vat, rest) } : undefined;
  }
  if (claim.component !== component) return undefined;
  const vat = isVatSeparate ? 0n : claim.vat;
  const whole = claim.amount + vat;
  if (whole <= rest) return { amount: claim.amount, vat };
  const amount = roundQuotient(rest * claim.amount, whole, 'half_even');
  return { amount, vat: rest - amount };
}

function splitOf(settled: readonly Settled<Claim>[]): Split {
  const split = { ...nothingSplit };
  for (const { claim, amount, vat } of settled) {
    split[claim.component] += amount;
    split.vat += vat;
  }
  return split;
}

function least(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}
