import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { addSplits, allocatePayment, type Bucket, checkOrder, type Claim, defaultOrder } from './allocation.ts';

const withoutVat = defaultOrder.filter((bucket) => !bucket.endsWith('_vat'));

function claim(timing: Claim['timing'], component: Claim['component'], amount: bigint, vat = 0n): Claim {
  return { timing, component, amount, vat };
}

/** An instalment that is late, one that is due and one that is to come. */
const claims: readonly Claim[] = [
  claim('past_due', 'penalty', 30n),
  claim('past_due', 'interest', 100n, 16n),
  claim('past_due', 'principal', 1000n),
  claim('due', 'interest', 90n, 14n),
  claim('due', 'principal', 1010n),
  claim('in_advance', 'principal', 5000n),
];

describe('the allocation of a payment', () => {
  it.each([
    { amount: 20n, split: { penalty: 20n, fee: 0n, vat: 0n, interest: 0n, principal: 0n } },
    { amount: 70n, split: { penalty: 30n, fee: 0n, vat: 30n, interest: 10n, principal: 0n } },
    { amount: 250n, split: { penalty: 30n, fee: 0n, vat: 30n, interest: 190n, principal: 0n } },
    { amount: 2260n, split: { penalty: 30n, fee: 0n, vat: 30n, interest: 190n, principal: 2010n } },
  ])('of $amount goes to penalties, VAT, interest and principal', ({ amount, split }) => {
    expect(allocatePayment(amount, claims)).toMatchObject({ split, rest: 0n });
  });

  it('in another order pays what is late before what is due', () => {
    const horizontal: readonly Bucket[] = [
      ...withoutVat.filter((bucket) => bucket.startsWith('past_due')),
      ...withoutVat.filter((bucket) => !bucket.startsWith('past_due')),
    ];
    const { split, settled } = allocatePayment(1146n, claims, horizontal);
    expect(split).toEqual({ penalty: 30n, fee: 0n, vat: 16n, interest: 100n, principal: 1000n });
    expect(settled.map((part) => part.claim.timing)).toEqual(['past_due', 'past_due', 'past_due']);
  });

  it.each([
    [58n, 50n, 8n],
    [1n, 1n, 0n],
    [3n, 3n, 0n],
    [4n, 3n, 1n],
    [115n, 99n, 16n],
    [116n, 100n, 16n],
  ])('of %d to a part of interest with VAT inside: %d and %d', (amount, interest, vat) => {
    const { split } = allocatePayment(amount, [claim('due', 'interest', 100n, 16n)], withoutVat);
    expect(split).toMatchObject({ interest, vat });
  });

  it('keeps what nothing claims', () => {
    expect(allocatePayment(10_000n, claims).rest).toBe(10_000n - 7_260n);
    expect(allocatePayment(10n, []).rest).toBe(10n);
  });

  it('sums to the payment and settles no claim twice', () => {
    const anyClaim = fc.record({
      timing: fc.constantFrom<Claim['timing']>('past_due', 'due', 'in_advance'),
      component: fc.constantFrom<Claim['component']>('penalty', 'fee', 'interest', 'principal'),
      amount: fc.bigInt({ min: 0n, max: 10_000n }),
      vat: fc.bigInt({ min: 0n, max: 1_600n }),
    });
    const orders = fc.constantFrom(defaultOrder, withoutVat, withoutVat.toReversed(), defaultOrder.toReversed());
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 50_000n }), fc.array(anyClaim), orders, (amount, given, order) => {
        const { settled, split, rest } = allocatePayment(amount, given, order);
        const spent = Object.values(split).reduce((sum, part) => sum + part, 0n);
        expect(spent + rest).toBe(amount);
        expect(settled.every((part) => part.amount <= part.claim.amount && part.vat <= part.claim.vat)).toBe(true);
        expect(settled.every((part) => part.amount >= 0n && part.vat >= 0n)).toBe(true);
        const claimed = given.reduce((sum, each) => sum + each.amount + each.vat, 0n);
        expect(rest).toBe(amount > claimed ? amount - claimed : 0n);
      }),
    );
  });

  it('has splits that add up', () => {
    const split = { penalty: 1n, fee: 2n, vat: 3n, interest: 4n, principal: 5n };
    expect(addSplits(split, split)).toEqual({ penalty: 2n, fee: 4n, vat: 6n, interest: 8n, principal: 10n });
  });
});

describe('an order of buckets', () => {
  it.each([defaultOrder, withoutVat, withoutVat.toReversed()].map((order) => ({ order, size: order.length })))(
    'of $size is accepted',
    ({ order }) => {
      expect(() => {
        checkOrder(order);
      }).not.toThrow();
    },
  );

  it.each([
    { name: 'lacks one', order: withoutVat.slice(1) },
    { name: 'has one twice', order: [...withoutVat.slice(1), 'due_fee'] as const },
    { name: 'has VAT only in part', order: [...withoutVat, 'due_vat'] as const },
  ])('that $name is refused', ({ order }) => {
    expect(() => {
      checkOrder(order);
    }).toThrow('once');
  });
});
