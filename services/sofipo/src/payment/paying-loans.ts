import type { Tx } from '@quinta/platform/database';
import { type CalendarDate, type LoanEvent, openPaying, type PayingLoan } from '../engine/index.ts';
import { historiesOf, nextDay } from '../loan/event-store.ts';
import { type LoanRow, servedBy } from '../loan/loan.ts';

/** A loan as a set of payments finds it. */
export interface OpenLoan {
  /** None for a loan that will be paid out on a later day. */
  readonly paying: PayingLoan | undefined;
  /** The day its payments count from. */
  readonly day: CalendarDate;
}

/** The loans of one set, which its transaction has locked. */
export interface OpenLoans {
  /** Replays a loan that nobody has kept, once for the whole set. */
  readonly open: (loan: LoanRow) => OpenLoan;
  /**
   * Keeps the loans for the next set. Call it once what they took is committed.
   * @param position of the last event that the set recorded; undefined where it recorded none
   */
  readonly keep: (position: number | undefined) => void;
}

/** A loan in the hands of a set, or kept between two. */
interface Book extends OpenLoan {
  /** The row and the business day that it was opened with. */
  readonly loan: LoanRow;
  readonly today: CalendarDate;
  /** The position of the last event that it stands for. */
  readonly seen: number;
  /** Whether replaying it is worth to be spared. */
  readonly isLong: boolean;
}

const longHistory = 32;
const keptMax = 500;

/**
 * Loans with a long history as the last payments have left them. A loan that all cashiers pay at the same time would be
 * read and replayed from its beginning for each set of payments otherwise, and the longer the more it was paid.
 *
 * A kept loan is asked for what happened since, under the lock of its row: payments of its day, which another process
 * took, it takes too; after anything else it is replayed. While a set works with a loan nobody keeps it, so that a set
 * that fails leaves nothing of itself behind.
 */
export class PayingLoans {
  /** The loan that was used last stands last. */
  readonly #kept = new Map<string, Book>();

  /** Reads what a set has to know of the loans that its transaction has locked. */
  async of(tx: Tx, loans: ReadonlyMap<string, LoanRow>, today: CalendarDate): Promise<OpenLoans> {
    const books = this.#take(loans, today);
    const histories = new Map(await historiesOf(tx, [...loans.keys()], (id) => books.get(id)?.seen ?? 0));
    const changed: string[] = [];
    for (const [id, book] of books) {
      const events = histories.get(id)?.events ?? [];
      if (takesAll(book, events)) books.set(id, { ...book, seen: events.at(-1)?.sequence ?? book.seen });
      else changed.push(id);
    }
    if (changed.length > 0) {
      for (const [id, history] of await historiesOf(tx, changed)) histories.set(id, history);
      for (const id of changed) books.delete(id);
    }
    return {
      open: (loan) => {
        const book = books.get(loan.id) ?? replay(loan, histories.get(loan.id)?.events ?? [], today);
        books.set(loan.id, book);
        return book;
      },
      keep: (position) => this.#keep(books, position),
    };
  }

  /** Those that are kept, and still stand on the same row and day. */
  #take(loans: ReadonlyMap<string, LoanRow>, today: CalendarDate): Map<string, Book> {
    const books = new Map<string, Book>();
    for (const [id, loan] of loans) {
      const book = this.#kept.get(id);
      this.#kept.delete(id);
      if (book && book.today === today && isSame(book.loan, loan)) books.set(id, book);
    }
    return books;
  }

  #keep(books: ReadonlyMap<string, Book>, position: number | undefined): void {
    for (const [id, book] of books) {
      if (!book.isLong || !book.paying || book.paying.isPaidOff) continue;
      // Events get their positions under the lock of their loan, so those to come have higher ones than this set's.
      this.#kept.set(id, { ...book, seen: position ?? book.seen });
    }
    for (const id of this.#kept.keys()) {
      if (this.#kept.size <= keptMax) break;
      this.#kept.delete(id);
    }
  }
}

function isSame(one: LoanRow, other: LoanRow): boolean {
  const names = ['status', 'disbursed_on', 'closed_on'] as const;
  return names.every((name) => one[name] === other[name]);
}

/** Takes the payments of others; false where something else happened, and the loan has to be replayed. */
function takesAll({ paying, day }: Book, events: readonly LoanEvent[]): boolean {
  const payments = events.filter(({ kind, date }) => kind === 'payment' && date === day);
  if (!paying || payments.length < events.length) return false;
  for (const event of payments) if (event.kind === 'payment') paying.pay(event.amount);
  return true;
}

function replay(loan: LoanRow, events: readonly LoanEvent[], today: CalendarDate): Book {
  const day = nextDay(loan, { events }, today);
  const paying = openPaying(servedBy(loan), events, day);
  const seen = events.at(-1)?.sequence ?? 0;
  return { paying, day, loan, today, seen, isLong: events.length >= longHistory };
}
