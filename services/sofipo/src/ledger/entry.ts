import { formatMinor } from '@quinta/platform/kernel';
import type { Split } from '../engine/index.ts';

/** The accounts that loans move, by code. */
const accounts = {
  cash: '1101',
  portfolio: '1301',
  interestReceivable: '1303',
  allowance: '1391',
  vatPayable: '2401',
  interestIncome: '5101',
  feeIncome: '5103',
  penaltyIncome: '5105',
  recoveries: '5201',
  losses: '6101',
  waived: '6103',
  lossCharge: '6105',
} as const;

/** A posting: centavos, positive on the debit side. */
export interface Posting {
  readonly account: string;
  readonly amount: bigint;
}

/** A loan that is paid out: what is withheld of it is income at once. */
export function disbursement(amount: bigint, opening: { readonly fees: bigint; readonly vat: bigint }): Posting[] {
  return balanced([
    { account: accounts.portfolio, amount },
    { account: accounts.feeIncome, amount: -opening.fees },
    { account: accounts.vatPayable, amount: -opening.vat },
    { account: accounts.cash, amount: -(amount - opening.fees - opening.vat) },
  ]);
}

/**
 * Money that was received, by what it settles. Interest comes off what the close of a day has put on the books, and is
 * income at once as far as there is none; fees, penalties and VAT are booked when they are received.
 * @param receivable interest of the loan on the books before it
 */
export function receipt(split: Split, receivable: bigint): Posting[] {
  const { principal, interest, vat, fee, penalty } = split;
  const booked = bookedInterest(interest, receivable);
  return balanced([
    { account: accounts.cash, amount: principal + interest + vat + fee + penalty },
    { account: accounts.portfolio, amount: -principal },
    { account: accounts.interestReceivable, amount: -booked },
    { account: accounts.interestIncome, amount: booked - interest },
    { account: accounts.vatPayable, amount: -vat },
    { account: accounts.feeIncome, amount: -fee },
    { account: accounts.penaltyIncome, amount: -penalty },
  ]);
}

/** What takes another entry back. */
export function mirrored(postings: readonly Posting[]): Posting[] {
  return postings.map(({ account, amount }) => ({ account, amount: -amount }));
}

/** What of interest that is settled was on the books; interest that is taken back is taken from income. */
export function bookedInterest(interest: bigint, receivable: bigint): bigint {
  if (interest <= 0n) return 0n;
  return interest < receivable ? interest : receivable;
}

/** Principal that grows by interest that was unpaid. */
export function capitalization(interest: bigint, receivable: bigint): Posting[] {
  const booked = bookedInterest(interest, receivable);
  return balanced([
    { account: accounts.portfolio, amount: interest },
    { account: accounts.interestReceivable, amount: -booked },
    { account: accounts.interestIncome, amount: booked - interest },
  ]);
}

/** What is forgiven: principal, and interest as far as it was on the books. The rest was never income. */
export function forgiveness({ principal, interest }: Split, receivable: bigint): Posting[] {
  const booked = bookedInterest(interest, receivable);
  return balanced([
    { account: accounts.waived, amount: principal + booked },
    { account: accounts.portfolio, amount: -principal },
    { account: accounts.interestReceivable, amount: -booked },
  ]);
}

/**
 * A loan that leaves the books: principal and booked interest, at the cost of what was set aside for it, then as a
 * loss. What was set aside beyond that is released.
 */
export function writeOff(loan: {
  readonly principal: bigint;
  readonly receivable: bigint;
  readonly reserve: bigint;
}): Posting[] {
  const { principal, receivable, reserve } = loan;
  const lost = principal + receivable;
  const covered = reserve < lost ? reserve : lost;
  return balanced([
    { account: accounts.allowance, amount: reserve },
    { account: accounts.lossCharge, amount: covered - reserve },
    { account: accounts.losses, amount: lost - covered },
    { account: accounts.portfolio, amount: -principal },
    { account: accounts.interestReceivable, amount: -receivable },
  ]);
}

/** Money that comes in for a loan that was written off. */
export function recovery(amount: bigint): Posting[] {
  return balanced([
    { account: accounts.cash, amount },
    { account: accounts.recoveries, amount: -amount },
  ]);
}

/** What the close of a day puts on the books of a loan: interest that has accrued, and what is set aside for losses. */
export function dayClose({ interest, reserve }: { readonly interest: bigint; readonly reserve: bigint }): Posting[] {
  return balanced([
    { account: accounts.interestReceivable, amount: interest },
    { account: accounts.interestIncome, amount: -interest },
    { account: accounts.lossCharge, amount: reserve },
    { account: accounts.allowance, amount: -reserve },
  ]);
}

/** The amounts as the database takes them. */
export function amountsOf(postings: readonly Posting[]): string[] {
  return postings.map(({ amount }) => formatMinor(amount));
}

function balanced(postings: readonly Posting[]): Posting[] {
  const moving = postings.filter(({ amount }) => amount !== 0n);
  const sum = moving.reduce((total, { amount }) => total + amount, 0n);
  if (sum !== 0n) throw new Error(`An entry is out of balance by ${formatMinor(sum)}`);
  return moving;
}
