import { recordAudit } from '@quinta/platform/audit';
import type { Tx } from '@quinta/platform/database';
import type { Context } from '@quinta/platform/kernel';
import { type DomainEvent, recordEvents } from '@quinta/platform/messaging';
import type { Sofipo } from '../app.ts';
import { addDays, type CalendarDate, formatCalendarDate, reserveTableOn } from '../engine/index.ts';
import { eventOf } from '../events/domain-events.ts';
import { historiesOf } from '../loan/event-store.ts';
import { dateOf } from '../loan/loan-terms.ts';
import { dayNotOver } from '../problems.ts';
import { everybody, type Name } from '../read-your-writes.ts';
import { closeLoan, type ClosedLoan } from './close-loan.ts';
import { beginDay, closeState, finishDay, keepClosed, type LoansToClose, lockChunk } from './close-store.ts';

export interface CloseOptions {
  /** The last day to close; default yesterday. */
  readonly through?: CalendarDate | undefined;
  readonly signal?: AbortSignal;
  /** Told of each part that is done: the day, and how many of its loans this process has closed. */
  readonly onProgress?: (progress: { readonly day: string; readonly loans: number }) => void;
  /** Loans of one transaction: so many are locked, for some tenths of a second; default 400. */
  readonly chunk?: number;
}

/** A day that this call has closed, or found closed by others while it worked at it. */
export interface ClosedDay {
  readonly day: string;
  /** Loans that this process has closed. */
  readonly loans: number;
}

const chunkDefault = 400;
const beforeAll = '00000000-0000-0000-0000-000000000000';

/**
 * Closes every day that is over and not closed, one after the other: of the days since the last one, or of the last day
 * alone where none was ever closed. Loans are closed some hundred a transaction, each once a day; whoever takes up a
 * close that died, or joins one that runs, does what is left. Payments wait for a part at most.
 * @throws Problem day_not_over
 */
export async function closeDays(app: Sofipo, context: Context, options: CloseOptions = {}): Promise<ClosedDay[]> {
  const yesterday = addDays(app.today(), -1);
  const { through = yesterday } = options;
  if (through > yesterday) {
    throw dayNotOver({ day: formatCalendarDate(through), last: formatCalendarDate(yesterday) });
  }
  const { open, finished } = await closeState(app.database);
  const first = open === null ? (finished === null ? through : addDays(dateOf(finished), 1)) : dateOf(open);
  const closed: ClosedDay[] = [];
  for (let day = first; day <= through; day = addDays(day, 1)) {
    const loans = await closeDay(app, context, { ...options, day });
    closed.push({ day: formatCalendarDate(day), loans });
  }
  return closed;
}

async function closeDay(
  app: Sofipo,
  context: Context,
  options: CloseOptions & { readonly day: CalendarDate },
): Promise<number> {
  const day = formatCalendarDate(options.day);
  await app.database.transact((tx) => beginDay(tx, day));
  const open = await closeLoans(app, context, { ...options, which: 'open', before: 0 });
  const loans = open + (await closeLoans(app, context, { ...options, which: 'ended', before: open }));
  await app.database.transact(async (tx) => {
    const sum = await finishDay(tx, day);
    if (!sum) return;
    await recordAudit(tx, context, { action: 'close', resourceType: 'day', resourceId: day, newValues: sum });
    await recordEvents(tx, context, [eventOf('day_closed', { id: day }, { day, loans: sum.loans })]);
  });
  return loans;
}

/** Closes all of these loans that are not closed for the day; resolves to how many this process has closed. */
async function closeLoans(
  app: Sofipo,
  context: Context,
  options: CloseOptions & { readonly day: CalendarDate; readonly which: LoansToClose; readonly before: number },
): Promise<number> {
  const { signal, onProgress, day: date, chunk: limit = chunkDefault, which, before } = options;
  const day = formatCalendarDate(date);
  let [loans, after, isPatient] = [0, beforeAll, false];
  for (;;) {
    signal?.throwIfAborted();
    const { count, last } = await closeChunk(app, context, { date, which, after, limit, isPatient });
    loans += count;
    if (count > 0) {
      after = last;
      onProgress?.({ day, loans: before + loans });
    } else if (isPatient && after === beforeAll) {
      return loans;
    } else {
      // Those that somebody had locked are left: from the beginning once more, waiting for each.
      [after, isPatient] = [beforeAll, true];
    }
  }
}

/** One transaction: some loans are locked, closed and written. */
async function closeChunk(
  app: Sofipo,
  context: Context,
  wanted: {
    readonly date: CalendarDate;
    readonly which: LoansToClose;
    readonly after: string;
    readonly limit: number;
    readonly isPatient: boolean;
  },
): Promise<{ readonly count: number; readonly last: string }> {
  const { date, ...some } = wanted;
  const day = formatCalendarDate(date);
  const table = reserveTableOn(date, app.config.SOFIPO_RESERVE_TYPE);
  const writes = app.writes(everybody);
  return writes.transact(async (tx) => {
    const loans = await lockChunk(tx, { ...some, day });
    const ids = loans.map(({ id }) => id);
    if (loans.length === 0) return { count: 0, last: wanted.after };
    const histories = await historiesOf(tx, ids);
    const closed = loans.map((loan) =>
      closeLoan(
        { loan, history: histories.get(loan.id) ?? { events: [], idOf: new Map() }, daysBefore: loan.days_before },
        date,
        table,
      ),
    );
    await keepClosed(tx, day, closed);
    await tellClosed(tx, context, { day, closed });
    writes.touch(...closed.flatMap(touchedBy));
    return { count: loans.length, last: ids.at(-1) ?? wanted.after };
  });
}

/** What others see of a close: a status that has changed. */
function touchedBy({ loan, status }: ClosedLoan): readonly Name[] {
  return status === loan.status ? [] : [`loan:${loan.id}`, `client:${loan.client_id}`];
}

async function tellClosed(
  tx: Tx,
  context: Context,
  { day, closed }: { readonly day: string; readonly closed: readonly ClosedLoan[] },
): Promise<void> {
  const events = closed.flatMap(({ loan: { id, status: before }, status, delinquency, position }): DomainEvent[] => {
    const { daysPastDue: days_past_due } = position;
    const told: DomainEvent[] = [];
    if (delinquency) told.push(eventOf('loan_delinquency_changed', { id }, { day, days_past_due, ...delinquency }));
    if (status !== before) {
      told.push(eventOf('loan_status_changed', { id }, { from: before, to: status, day, days_past_due }));
    }
    return told;
  });
  await recordEvents(tx, context, events);
}
