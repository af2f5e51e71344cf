import type { CalendarDate } from '../calendar/calendar-date.ts';
import { calendarDate } from '../calendar/calendar-date.ts';
import { roundQuotient } from '../number/rounding.ts';
import { LendingRefusal } from '../refusal.ts';

/** Consumer credit of the ordinary kind, and credit in marginal zones. */
export type ReserveType = 'type_1' | 'type_2';

/** A table of preventive reserves: which share of the balance is set aside by how late it is. */
export interface ReserveTable {
  readonly name: string;
  /** Where its figures were read, and how sure they are. */
  readonly source: string;
  readonly from: CalendarDate;
  readonly type: ReserveType;
  /** In the order of days; each row reaches to the next one's first day. */
  readonly rows: readonly { readonly daysFrom: number; readonly percent: number }[];
}

const annexD = {
  source: 'Disposiciones de carácter general for EACP, Anexo D, consumer credit; read in a secondary copy',
  from: calendarDate(2007, 1, 1),
} as const;
const daysFrom = [0, 1, 8, 31, 61, 91, 121, 181] as const;

/**
 * The tables in the order of their dates: a newer one is another entry and changes none. A resolution in force from early
 * 2026 is reported to have hardened these shares; its figures were not seen, so it is not here.
 */
export const reserveTables: readonly ReserveTable[] = [
  { ...annexD, name: 'Anexo D, tipo I', type: 'type_1', rows: rows([1, 4, 15, 30, 50, 75, 90, 100]) },
  { ...annexD, name: 'Anexo D, tipo II (zona marginada)', type: 'type_2', rows: rows([1, 1, 4, 30, 60, 80, 90, 100]) },
];

/**
 * The table that holds on a day. Throws a LendingRefusal for a day before the first one.
 * @param tables another list than the one that is shipped, such as one with an amendment
 */
export function reserveTableOn(
  date: CalendarDate,
  type: ReserveType,
  tables: readonly ReserveTable[] = reserveTables,
): ReserveTable {
  const inForce = tables.filter((table) => table.type === type && table.from <= date);
  const [newest] = inForce.toSorted((a, b) => b.from - a.from);
  if (newest) return newest;
  throw new LendingRefusal('out_of_range', {
    field: 'date',
    given: String(date),
    expected: 'a day with a reserve table',
  });
}

/**
 * The reserve of a loan in centavos, half to even. The balance holds interest, but not interest that accrued unpaid on a
 * loan that is past due.
 */
export function reserveOf(balance: bigint, daysPastDue: number, table: ReserveTable): bigint {
  const row = table.rows.findLast((candidate) => candidate.daysFrom <= daysPastDue);
  return roundQuotient(balance * BigInt(row?.percent ?? 0), 100n, 'half_even');
}

function rows(percents: readonly number[]): ReserveTable['rows'] {
  return daysFrom.map((first, index) => ({ daysFrom: first, percent: percents[index] ?? 100 }));
}
