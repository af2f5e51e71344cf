import { describe, expect, it } from 'vitest';
import {
  capitalization,
  dayClose,
  disbursement,
  forgiveness,
  mirrored,
  type Posting,
  receipt,
  recovery,
  writeOff,
} from './entry.ts';

const nothing = { penalty: 0n, fee: 0n, vat: 0n, interest: 0n, principal: 0n };

/** By account, in whole pesos. */
function booked(postings: readonly Posting[]): Readonly<Record<string, number>> {
  expect(postings.reduce((sum, { amount }) => sum + amount, 0n)).toBe(0n);
  return Object.fromEntries(postings.map(({ account, amount }) => [account, Number(amount) / 100]));
}

describe('V48 a loan of 10,000 whose interest of 1,000 is on the books', () => {
  it('is paid out of cash, and its interest is income once it is receivable', () => {
    expect(booked(disbursement(1_000_000n, { fees: 0n, vat: 0n }))).toEqual({ 1301: 10_000, 1101: -10_000 });
    expect(booked(dayClose({ interest: 100_000n, reserve: 0n }))).toEqual({ 1303: 1_000, 5101: -1_000 });
  });

  it('takes a payment of 2,200 off principal and interest receivable, and makes no income', () => {
    const split = { ...nothing, principal: 200_000n, interest: 20_000n };
    expect(booked(receipt(split, 100_000n))).toEqual({ 1101: 2_200, 1301: -2_000, 1303: -200 });
  });

  it('takes 400 of waived interest off the receivable as an expense', () => {
    expect(booked(forgiveness({ ...nothing, interest: 40_000n }, 80_000n))).toEqual({ 6103: 400, 1303: -400 });
  });
});

describe('V49 a loan of 1,000', () => {
  it('is repaid by 250, and a reversal posts the mirror', () => {
    const repaid = receipt({ ...nothing, principal: 25_000n }, 0n);
    expect(booked(repaid)).toEqual({ 1101: 250, 1301: -250 });
    expect(booked(mirrored(repaid))).toEqual({ 1101: -250, 1301: 250 });
  });

  it('is a loss when it is charged off', () => {
    expect(booked(writeOff({ principal: 100_000n, receivable: 0n, reserve: 0n }))).toEqual({
      6101: 1_000,
      1301: -1_000,
    });
  });

  it('of which 277 principal, 10 interest and a fee of 13 are forgiven: what was booked is an expense', () => {
    const forgiven = { ...nothing, principal: 27_700n, interest: 1_000n, fee: 1_300n };
    expect(booked(forgiveness(forgiven, 1_000n))).toEqual({ 6103: 287, 1301: -277, 1303: -10 });
  });
});

describe('interest that is paid', () => {
  const paid = (interest: bigint, receivable: bigint) => booked(receipt({ ...nothing, interest }, receivable));

  it('is income as far as it was not on the books', () => {
    expect(paid(5_000n, 0n)).toEqual({ 1101: 50, 5101: -50 });
    expect(paid(5_000n, 3_000n)).toEqual({ 1101: 50, 1303: -30, 5101: -20 });
    expect(paid(5_000n, 9_000n)).toEqual({ 1101: 50, 1303: -50 });
  });

  it('and taken back is taken from income', () => {
    expect(paid(-5_000n, 3_000n)).toEqual({ 1101: -50, 5101: 50 });
  });

  it('becomes principal in the same way', () => {
    expect(booked(capitalization(5_000n, 3_000n))).toEqual({ 1301: 50, 1303: -30, 5101: -20 });
    expect(capitalization(0n, 3_000n)).toEqual([]);
  });
});

describe('a loan that is written off', () => {
  const off = (reserve: bigint) => booked(writeOff({ principal: 80_000n, receivable: 2_000n, reserve }));

  it('costs first what was set aside for it', () => {
    expect(off(50_000n)).toEqual({ 1391: 500, 6101: 320, 1301: -800, 1303: -20 });
    expect(off(82_000n)).toEqual({ 1391: 820, 1301: -800, 1303: -20 });
  });

  it('releases what was set aside beyond it', () => {
    expect(off(90_000n)).toEqual({ 1391: 900, 6105: -80, 1301: -800, 1303: -20 });
  });

  it('and is paid for all the same, brings a recovery', () => {
    expect(booked(recovery(10_000n))).toEqual({ 1101: 100, 5201: -100 });
  });
});
