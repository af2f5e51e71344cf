import { formatMinor, type Problem } from '@quinta/platform/kernel';
import { type CalendarDate, LendingRefusal, type PayingLoan, type Split } from '../engine/index.ts';
import { bookedInterest } from '../ledger/entry.ts';
import type { LoanRow, LoanStatus } from '../loan/loan.ts';
import { minorOf } from '../loan/loan-terms.ts';
import { loanNotActive, loanNotFound, paymentKeyReused, paymentTooLarge } from '../problems.ts';
import type { OpenLoan, OpenLoans } from './paying-loans.ts';
import type { PaymentRow } from './payment.ts';
import type { PaymentCommand } from './register-payments.ts';

/** A payment that is taken, and what it settles. */
export interface Accepted {
  readonly command: PaymentCommand;
  /** The day it counts from. */
  readonly day: CalendarDate;
  readonly split: Split;
  /** Interest of the loan on the books before it. */
  readonly receivable: bigint;
  readonly paysOff: boolean;
}

/** How payments leave a loan. */
export interface Moved {
  readonly id: string;
  readonly status: LoanStatus;
  readonly balance: bigint;
  readonly receivable: bigint;
}

export interface Decided {
  readonly accepted: readonly Accepted[];
  readonly moved: readonly Moved[];
  /** One a command, in their order. */
  readonly outcomes: readonly (
    | { readonly kind: 'registered' | 'replayed'; readonly id: string }
    | { readonly kind: 'refused'; readonly problem: Problem }
  )[];
}

interface Known {
  readonly loans: ReadonlyMap<string, LoanRow>;
  readonly open: OpenLoans['open'];
  /** Payments that are there already, by the keys of commands. */
  readonly known: ReadonlyMap<string, PaymentRow>;
}

/** Loans that take payments: one in default is still owed. */
const payable = new Set<LoanStatus>(['ACTIVE', 'DEFAULTED']);

/** Decides each command as if those before it had come alone. No input or output: what is asked, and what is known. */
export function decidePayments(commands: readonly PaymentCommand[], stand: Known): Decided {
  const { loans, open, known } = stand;
  const books = new Map<string, LoanBook>();
  const taken = new Map<string, bigint>([...known].map(([id, row]) => [id, minorOf(row.amount)]));
  const outcomes = commands.map((command): Decided['outcomes'][number] => {
    const before = taken.get(command.id);
    if (before !== undefined) {
      if (before === command.amount) return { kind: 'replayed', id: command.id };
      return { kind: 'refused', problem: paymentKeyReused({ id: command.id }) };
    }
    const loan = loans.get(command.loanId);
    if (!loan) return { kind: 'refused', problem: loanNotFound() };
    const book = books.get(loan.id) ?? openBook(loan, open);
    books.set(loan.id, book);
    const problem = offer(book, command);
    if (problem) return { kind: 'refused', problem };
    taken.set(command.id, command.amount);
    return { kind: 'registered', id: command.id };
  });
  const settled = [...books.values()].filter(({ taken: list }) => list.length > 0).map(settle);
  return {
    accepted: settled.flatMap(({ accepted }) => accepted),
    moved: settled.map(({ moved }) => moved),
    outcomes,
  };
}

/** A loan while the payments of a set are offered to it. */
interface LoanBook {
  readonly loan: LoanRow;
  /** None for a loan that takes no payments. */
  readonly opened: OpenLoan | undefined;
  /** What would pay it off after those that were taken; within a day every payment lowers it by its amount. */
  payoff: bigint;
  readonly taken: { readonly command: PaymentCommand; readonly split: Split }[];
}

function openBook(loan: LoanRow, open: OpenLoans['open']): LoanBook {
  const opened = payable.has(loan.status) ? open(loan) : undefined;
  return { loan, opened, payoff: opened?.paying?.payoff() ?? 0n, taken: [] };
}

/** Takes a payment, or says why not. */
function offer(book: LoanBook, command: PaymentCommand): Problem | undefined {
  const isPaidOff = book.payoff === 0n && book.taken.length > 0;
  if (!book.opened || isPaidOff) {
    return loanNotActive({ status: isPaidOff ? 'PAID_OFF' : book.loan.status });
  }
  const { paying } = book.opened;
  if (!paying || command.amount > book.payoff) {
    const payoff = formatMinor(book.payoff);
    const msg = `Expected at most ${payoff}, which pays the loan off today`;
    return paymentTooLarge({}, { errors: [{ loc: ['body', 'amount'], msg, type: 'too_large' }], members: { payoff } });
  }
  book.taken.push({ command, split: splitOf(paying, command.amount) });
  book.payoff -= command.amount;
  return undefined;
}

function splitOf(paying: PayingLoan, amount: bigint): Split {
  try {
    return paying.pay(amount);
  } catch (error) {
    // Whoever was accepted fits: what the engine refuses here is a fault of ours, and fails the set.
    if (error instanceof LendingRefusal)
      throw new Error(`An accepted payment was refused: ${error.message}`, { cause: error });
    throw error;
  }
}

/** How all that was taken leaves the loan. */
function settle({ loan, opened, taken }: LoanBook): {
  readonly accepted: readonly Accepted[];
  readonly moved: Moved;
} {
  if (!opened?.paying) throw new Error(`Loan ${loan.id} takes no payments, and took one`);
  const { paying, day } = opened;
  const { isPaidOff, outstandingPrincipal: balance } = paying;
  let receivable = minorOf(loan.interest_receivable);
  const accepted = taken.map(({ command, split }, place): Accepted => {
    const before = receivable;
    receivable -= bookedInterest(split.interest, before);
    return { command, day, split, receivable: before, paysOff: isPaidOff && place === taken.length - 1 };
  });
  const status = isPaidOff ? 'PAID_OFF' : loan.status;
  return { accepted, moved: { id: loan.id, status, balance, receivable } };
}
