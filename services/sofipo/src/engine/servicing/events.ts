import type { CalendarDate } from '../calendar/calendar-date.ts';
import type { Rational } from '../number/rational.ts';
import { LendingRefusal } from '../refusal.ts';

interface Dated {
  /** Unique in the loan; among events of a day and kind the order of ids is the order of events. */
  readonly id: string;
  /** Where the order of recording is known it is the order of the events of a day, whatever their kinds. */
  readonly sequence?: number;
  readonly date: CalendarDate;
}

/** What happens to a loan. Amounts are centavos and positive. */
export type LoanEvent =
  | (Dated & { readonly kind: 'disbursed' })
  | (Dated & { readonly kind: 'payment'; readonly amount: bigint })
  | (Dated & {
      readonly kind: 'charge';
      readonly component: 'penalty' | 'fee';
      readonly amount: bigint;
      readonly vat?: bigint;
      /** The day of the event unless named. */
      readonly dueDate?: CalendarDate;
    })
  | (Dated & {
      readonly kind: 'waiver';
      readonly component: 'penalty' | 'fee' | 'vat' | 'interest' | 'principal';
      readonly amount: bigint;
    })
  | (Dated & Reschedule & { readonly kind: 'reschedule' })
  | (Dated & { readonly kind: 'write_off' })
  | (Dated & { readonly kind: 'recovery'; readonly amount: bigint })
  | (Dated & { readonly kind: 'reversal'; readonly reverses: string });

/** New terms for what is still owed. Interest that is unpaid falls due with the first new instalment, or becomes principal. */
export interface Reschedule {
  readonly term: number;
  readonly interestRate?: Rational;
  readonly firstDueDate?: CalendarDate;
  readonly graceOnPrincipal?: number;
  readonly graceOnInterest?: number;
  readonly unpaidInterest?: 'carry' | 'capitalize';
}

/** Within a day money comes before what is forgiven, and both before what closes the loan. */
const rankOfKind: Readonly<Record<LoanEvent['kind'], number>> = {
  disbursed: 0,
  charge: 1,
  payment: 2,
  waiver: 3,
  reschedule: 4,
  write_off: 5,
  recovery: 6,
  reversal: 7,
};

const reversible = new Set<LoanEvent['kind']>(['payment', 'charge', 'waiver', 'recovery']);

/**
 * The events up to and with a day in the order in which they count: by date, and then as they were recorded where all of
 * them say so, else by kind and id, whatever the order in which they are given. An event that was reversed by then is
 * left out, and so is its reversal. Throws a LendingRefusal for two
 * events of one id, for a reversal of nothing, and for one that comes after a write-off of what was paid before it.
 */
export function effectiveEvents(events: readonly LoanEvent[], asOf: CalendarDate): readonly LoanEvent[] {
  const known = events.filter(({ date }) => date <= asOf).toSorted(inOrder);
  const byId = new Map(known.map((event) => [event.id, event]));
  if (byId.size !== known.length) throw duplicateOf(known);
  const reversed = new Set<string>();
  for (const event of known) {
    if (event.kind === 'reversal') reversed.add(reversedBy(event, byId, known));
  }
  return known.filter(({ id, kind }) => kind !== 'reversal' && !reversed.has(id));
}

function inOrder(left: LoanEvent, right: LoanEvent): number {
  if (left.date !== right.date) return left.date - right.date;
  if (left.sequence !== undefined && right.sequence !== undefined) return left.sequence - right.sequence;
  const byKind = rankOfKind[left.kind] - rankOfKind[right.kind];
  if (byKind !== 0) return byKind;
  return left.id < right.id ? -1 : Number(left.id > right.id);
}

function duplicateOf(sorted: readonly LoanEvent[]): LendingRefusal {
  const ids = sorted.map(({ id }) => id);
  const given = ids.find((id, index) => ids.indexOf(id) !== index) ?? '';
  return new LendingRefusal('duplicate_event', { field: 'id', given, expected: 'an id that no other event has' });
}

function reversedBy(
  event: LoanEvent & { readonly kind: 'reversal' },
  byId: ReadonlyMap<string, LoanEvent>,
  known: readonly LoanEvent[],
): string {
  const target = byId.get(event.reverses);
  if (!target || !reversible.has(target.kind) || target.date > event.date) {
    const expected = 'an earlier payment, charge, waiver or recovery';
    throw new LendingRefusal('unknown_event', { field: 'reverses', given: event.reverses, expected });
  }
  const writeOff = known.find(({ kind }) => kind === 'write_off');
  if (writeOff && target.kind !== 'recovery' && writeOff.date <= event.date) {
    const expected = 'a recovery, because the loan was written off since';
    throw new LendingRefusal('written_off', { field: 'reverses', given: event.reverses, expected });
  }
  return event.reverses;
}
