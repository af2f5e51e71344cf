import { type Db, readStatement, type Tx, writeStatement } from '@quinta/platform/database';
import { formatMinor } from '@quinta/platform/kernel';
import { z } from 'zod';
import {
  addDays,
  type CalendarDate,
  formatCalendarDate,
  formatRational,
  type LoanEvent,
  parseRational,
} from '../engine/index.ts';
import { dateOf, minorOf } from './loan-terms.ts';

interface EventRow {
  readonly id: string;
  readonly position: string;
  readonly loan_id: string;
  readonly kind: string;
  readonly happened_on: string;
  readonly amount: string | null;
  readonly details: unknown;
  readonly reverses: string | null;
}

/** What happened to a loan, for the engine, and by which of its ids each event is known to everybody else. */
export interface LoanHistory {
  readonly events: readonly LoanEvent[];
  /** From the key of an event to its id in `events`. */
  readonly idOf: ReadonlyMap<string, string>;
}

const findMany = readStatement<[loanIds: string[], after: number[]], EventRow>(
  'loan.events',
  `select e.id, e.position::text, e.loan_id, e.kind, e.happened_on::text, e.amount, e.details, e.reverses
     from unnest($1::uuid[], $2::bigint[]) as w (loan_id, after)
     join loan_events e on e.loan_id = w.loan_id and e.position > w.after
    order by e.loan_id, e.position`,
);

const digits = 20;
/** Behind every position that a table can reach, and still an exact number. */
const nextSequence = 2 ** 52;

/**
 * Everything that happened to loans, each event with the place at which it was recorded: within a day that is its order.
 * `after` leaves out what was recorded up to a position.
 */
export async function historiesOf(
  db: Db | Tx,
  loanIds: readonly string[],
  after: (loanId: string) => number = () => 0,
): Promise<ReadonlyMap<string, LoanHistory>> {
  const wanted = [...new Set(loanIds)];
  const { rows } = await db.run(findMany, [wanted, wanted.map(after)]);
  const idOf = new Map(rows.map(({ id, position }) => [id, position.padStart(digits, '0')]));
  const events = new Map<string, LoanEvent[]>(loanIds.map((id) => [id, []]));
  for (const row of rows) events.get(row.loan_id)?.push(eventOf(row, idOf));
  return new Map([...events].map(([loanId, list]) => [loanId, { events: list, idOf }]));
}

/** The history of one loan. */
export async function historyOf(db: Db | Tx, loanId: string): Promise<LoanHistory> {
  return (await historiesOf(db, [loanId])).get(loanId) ?? { events: [], idOf: new Map() };
}

/**
 * The day on which the next event of a loan happens: today; or the day of its last event where the clock of another
 * process was ahead, since events count by their days and one that is recorded later may not be dated earlier; or the
 * day after the last one that was closed, since what was closed stays as it is. A loan that is paid out in the future
 * has none before that.
 */
export function nextDay(
  { closed_on: closedOn }: { readonly closed_on: string | null },
  { events }: Pick<LoanHistory, 'events'>,
  today: CalendarDate,
): CalendarDate {
  const afterClose = closedOn === null ? today : addDays(dateOf(closedOn), 1);
  const open = afterClose > today ? afterClose : today;
  return events.reduce((day, { kind, date }) => (kind !== 'disbursed' && date > day ? date : day), open);
}

/** How an event that comes behind all that were recorded is known to the engine, the `place`-th of its set. */
export function nextEvent(place: number): { readonly id: string; readonly sequence: number } {
  return { id: `~${String(place).padStart(digits, '0')}`, sequence: nextSequence + place };
}

const chargeDetails = z.object({
  component: z.enum(['penalty', 'fee']),
  vat: z.string().optional(),
  due_date: z.string().optional(),
});
const waiverDetails = z.object({ component: z.enum(['penalty', 'fee', 'vat', 'interest', 'principal']) });
const rescheduleDetails = z.object({
  term: z.int(),
  interest_rate: z.string().optional(),
  first_due_date: z.string().optional(),
  grace_on_principal: z.int().optional(),
  grace_on_interest: z.int().optional(),
  unpaid_interest: z.enum(['carry', 'capitalize']).optional(),
});

function eventOf(row: EventRow, idOf: ReadonlyMap<string, string>): LoanEvent {
  const { kind, details } = row;
  const dated = { id: idOf.get(row.id) ?? '', sequence: Number(row.position), date: dateOf(row.happened_on) };
  const amount = (): bigint => minorOf(row.amount ?? '');
  switch (kind) {
    case 'disbursed':
    case 'write_off':
      return { ...dated, kind };
    case 'payment':
    case 'recovery':
      return { ...dated, kind, amount: amount() };
    case 'reversal':
      return { ...dated, kind, reverses: idOf.get(row.reverses ?? '') ?? '' };
    case 'charge': {
      const { component, vat, due_date: due } = chargeDetails.parse(details);
      const optional = {
        ...(vat === undefined ? {} : { vat: minorOf(vat) }),
        ...(due === undefined ? {} : { dueDate: dateOf(due) }),
      };
      return { ...dated, kind, component, amount: amount(), ...optional };
    }
    case 'waiver':
      return { ...dated, kind, component: waiverDetails.parse(details).component, amount: amount() };
    case 'reschedule':
      return { ...dated, kind, ...rescheduleOf(rescheduleDetails.parse(details)) };
    default:
      throw new Error(`Event ${row.id} is of the kind "${kind}", which nobody writes`);
  }
}

function rescheduleOf(kept: z.output<typeof rescheduleDetails>) {
  const { term, interest_rate: rate, first_due_date: due, unpaid_interest: unpaidInterest } = kept;
  const { grace_on_principal: graceOnPrincipal, grace_on_interest: graceOnInterest } = kept;
  const interestRate = rate === undefined ? undefined : parseRational(rate);
  return {
    term,
    ...(interestRate === undefined ? {} : { interestRate }),
    ...(due === undefined ? {} : { firstDueDate: dateOf(due) }),
    ...(graceOnPrincipal === undefined ? {} : { graceOnPrincipal }),
    ...(graceOnInterest === undefined ? {} : { graceOnInterest }),
    ...(unpaidInterest === undefined ? {} : { unpaidInterest }),
  };
}

/** What a change of a loan is, as the engine takes it, without its id and day. */
export type LoanChange = LoanEvent extends infer Event
  ? Event extends { readonly kind: 'charge' | 'waiver' | 'reschedule' | 'write_off' | 'recovery' }
    ? Omit<Event, 'id' | 'sequence' | 'date'>
    : never
  : never;

const insert = writeStatement<
  [id: string, loanId: string, kind: string, day: string, amount: string | null, details: string | null, by: number],
  never
>(
  'loan.record_event',
  `insert into loan_events (id, loan_id, kind, happened_on, amount, details, recorded_by)
   values ($1, $2, $3, $4::date, $5, $6::jsonb, $7)`,
);

/** Records a change of a loan that the transaction has locked. */
export async function insertEvent(
  tx: Tx,
  event: {
    readonly id: string;
    readonly loanId: string;
    readonly day: CalendarDate;
    readonly change: LoanChange;
    readonly reason: string | undefined;
    readonly recordedBy: number;
  },
): Promise<void> {
  const { id, loanId, day, change, reason, recordedBy } = event;
  const amount = 'amount' in change ? formatMinor(change.amount) : null;
  const details = { ...detailsOf(change), ...(reason === undefined ? {} : { reason }) };
  const kept = Object.keys(details).length === 0 ? null : JSON.stringify(details);
  await tx.run(insert, [id, loanId, change.kind, formatCalendarDate(day), amount, kept, recordedBy]);
}

/** What a change is, as it is told to others. */
export function toldOf(change: LoanChange): Readonly<Record<string, unknown>> {
  const amount = 'amount' in change ? { amount: formatMinor(change.amount) } : {};
  return { kind: change.kind, ...amount, ...detailsOf(change) };
}

function detailsOf(change: LoanChange): Readonly<Record<string, unknown>> {
  switch (change.kind) {
    case 'charge': {
      const { component, vat, dueDate } = change;
      return {
        component,
        ...(vat === undefined ? {} : { vat: formatMinor(vat) }),
        ...(dueDate === undefined ? {} : { due_date: formatCalendarDate(dueDate) }),
      };
    }
    case 'waiver':
      return { component: change.component };
    case 'reschedule': {
      const { term, interestRate, firstDueDate, graceOnPrincipal, graceOnInterest, unpaidInterest } = change;
      return {
        term,
        ...(interestRate === undefined ? {} : { interest_rate: formatRational(interestRate, rateDigits) }),
        ...(firstDueDate === undefined ? {} : { first_due_date: formatCalendarDate(firstDueDate) }),
        ...(graceOnPrincipal === undefined ? {} : { grace_on_principal: graceOnPrincipal }),
        ...(graceOnInterest === undefined ? {} : { grace_on_interest: graceOnInterest }),
        ...(unpaidInterest === undefined ? {} : { unpaid_interest: unpaidInterest }),
      };
    }
    case 'recovery':
    case 'write_off':
      break;
  }
  return {};
}

/** Rates come in with ten decimals at most. */
const rateDigits = 10;
