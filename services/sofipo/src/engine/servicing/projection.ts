import { plus, roundRational } from '../number/rational.ts';
import { roundQuotient } from '../number/rounding.ts';
import { flatInterestAt } from '../schedule/amortize.ts';
import { bearingPrincipal, interestBetween } from './accrual.ts';
import { type Amounts, type Book, type Row, totalOf, unpostedPrincipal } from './book.ts';
import { settleRow } from './posting.ts';

/** An instalment that is not posted, as it will be when everything until then is paid on its day. */
export interface ProjectedRow {
  readonly row: Row;
  readonly due: Readonly<Amounts>;
}

/** The instalments that are still to come, with what each will ask for; none that would ask for nothing. */
export function projectRows(book: Book): readonly ProjectedRow[] {
  const { plan } = book;
  const isReducing = book.terms.prepayment === 'reduce_installment';
  const projected: ProjectedRow[] = [];
  let { target, deferred } = book;
  let principal = unpostedPrincipal(book);
  for (let index = book.next; index < book.rows.length; index += 1) {
    const row = book.rows[index];
    if (!row) break;
    const interest = index === book.next ? currentInterest(book) : wholeInterest(book, row, principal);
    const facts = { plan, target, planRow: row.planRow, interest, deferred, principal, advance: row.settled };
    const outcome = settleRow(facts, isReducing);
    if (totalOf(outcome.due) > 0n) projected.push({ row, due: outcome.due });
    principal -= outcome.due.principal;
    ({ target, deferred } = outcome);
    if (principal <= 0n && deferred === 0n && !hasAdvance(book, index + 1)) break;
  }
  return projected;
}

/** Interest of the running period up to its end, on what bears interest by the schedule. */
function currentInterest(book: Book): bigint {
  const end = book.rows[book.next]?.contractualDate ?? book.accruedUntil;
  const rest = interestBetween(book, bearingPrincipal(book), book.accruedUntil, end);
  return roundRational(plus(book.accrued, rest), book.plan.rounding);
}

function wholeInterest({ plan }: Book, { planRow }: Row, principal: bigint): bigint {
  if (principal === 0n) return 0n;
  if (plan.method === 'flat') return flatInterestAt(plan, planRow);
  const units = BigInt(plan.periods.units[planRow] ?? plan.periods.nominal);
  const { numerator, denominator } = plan.rate;
  return roundQuotient(principal * numerator * units, denominator * BigInt(plan.periods.perYear), plan.rounding);
}

function hasAdvance(book: Book, from: number): boolean {
  return book.rows.slice(from).some((row) => totalOf(row.settled) > 0n);
}
