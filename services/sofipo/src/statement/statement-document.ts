import { setImmediate } from 'node:timers/promises';
import type { StreamReply } from '@quinta/platform/http';
import { type Context, formatMinor } from '@quinta/platform/kernel';
import type { Sofipo } from '../app.ts';
import { businessDays } from '../business-day.ts';
import type { ClientRow } from '../client/client.ts';
import { findClient } from '../client/client-store.ts';
import { type Block, pdfOf } from '../document/pdf.ts';
import { type Column, type Fact, pdfFile, stampOf } from '../document/report.ts';
import { dateText, groupedText, pesosText } from '../document/words.ts';
import { type CalendarDate, formatCalendarDate, type LoanState, quotePayoff, type Split } from '../engine/index.ts';
import { historiesOf } from '../loan/event-store.ts';
import { servedBy } from '../loan/loan.ts';
import { termFacts } from '../loan/loan-facts.ts';
import { listLoans } from '../loan/loan-store.ts';
import { type KnownLoan, standingOf } from '../loan/read-loan.ts';
import type { PaymentRow } from '../payment/payment.ts';
import { listPaymentsOfClient } from '../payment/payment-store.ts';
import { clientNotFound } from '../problems.ts';
import { loansMax, paymentsMax } from './statement.ts';

/** What a statement is made of, read in one snapshot. */
interface Known {
  readonly client: ClientRow;
  readonly loans: readonly KnownLoan[];
  readonly payments: readonly PaymentRow[];
}

/** How many loans are replayed before others are let in. */
const loansAtOnce = 10;

/**
 * The account statement as the client gets it: every loan that is owed, in default or not, with its terms, how it stands
 * and what pays it off today, and the payments of all loans with what they settled.
 * @throws Problem client_not_found
 */
export async function statementFile(app: Sofipo, context: Context, clientId: string): Promise<StreamReply> {
  const known = await readKnown(app, context, clientId);
  const today = app.today();
  const blocks: Block[] = [{ kind: 'facts', facts: clientFacts(known.client, today) }];
  if (known.loans.length === 0) blocks.push({ kind: 'note', text: 'Sin créditos por pagar.' });
  for (const [place, loan] of known.loans.entries()) {
    if (place % loansAtOnce === loansAtOnce - 1) await setImmediate();
    blocks.push({ kind: 'heading', text: `Crédito ${loan.loan.id}` });
    blocks.push({ kind: 'facts', facts: loanFacts(loan, today) });
  }
  const dayOf = businessDays(app.config.SOFIPO_TIME_ZONE);
  const rows = known.payments.map((payment) => paymentLine(payment, (at) => formatCalendarDate(dayOf(at))));
  blocks.push({ kind: 'heading', text: 'Pagos' }, { kind: 'table', head, rows, empty: 'Sin pagos.' });
  blocks.push(...notesOf(known).map((text): Block => ({ kind: 'note', text })));
  const stream = pdfOf({ title: 'Estado de cuenta', blocks }, stampOf(app));
  return pdfFile(`estado-de-cuenta-${known.client.id}`, stream);
}

function readKnown(app: Sofipo, context: Context, clientId: string): Promise<Known> {
  return app.reads(context, `client:${clientId}`).snapshot(async (db) => {
    const client = await findClient(db, clientId);
    if (!client) throw clientNotFound();
    const page = { clientId, limit: loansMax, skip: 0 };
    const active = await listLoans(db, { ...page, status: 'ACTIVE' });
    const owed = [...active, ...(await listLoans(db, { ...page, status: 'DEFAULTED' }))].slice(0, loansMax);
    const histories = await historiesOf(
      db,
      owed.map(({ id }) => id),
    );
    const loans = owed.map((loan) => ({ loan, history: histories.get(loan.id) ?? { events: [], idOf: new Map() } }));
    return { client, loans, payments: await listPaymentsOfClient(db, clientId, paymentsMax) };
  });
}

function clientFacts({ full_name: name, rfc }: ClientRow, today: CalendarDate): readonly Fact[] {
  return [
    { label: 'Cliente', value: name },
    { label: 'RFC', value: rfc },
    { label: 'Fecha de corte', value: dateText(formatCalendarDate(today)) },
  ];
}

function loanFacts(known: KnownLoan, today: CalendarDate): readonly Fact[] {
  const { loan, history } = known;
  const { asOf, state } = standingOf(known, today);
  const payoff = quotePayoff(servedBy(loan), history.events, asOf);
  return [
    ...termFacts(loan, history.events),
    { label: 'Saldo insoluto', value: pesosText(formatMinor(state?.outstandingPrincipal ?? 0n)) },
    { label: 'Próximo pago', value: nextText(state) },
    { label: 'Importe vencido', value: pesosText(formatMinor(state ? sumOf(state.pastDue) : 0n)) },
    { label: 'Días de atraso', value: String(state?.daysPastDue ?? 0) },
    {
      label: 'Para liquidar',
      value: `${pesosText(formatMinor(payoff?.total ?? 0n))} al ${dateText(formatCalendarDate(asOf))}`,
    },
  ];
}

/** The instalment that falls due next, of what is not late. */
function nextText(state: LoanState | undefined): string {
  const next = state?.installments.find(({ unpaid, dueDate }) => unpaid > 0n && dueDate >= state.asOf);
  if (!next) return 'Ninguno';
  return `${pesosText(formatMinor(next.unpaid))} el ${dateText(formatCalendarDate(next.dueDate))}`;
}

function sumOf(split: Split): bigint {
  return Object.values(split).reduce((sum, part) => sum + part, 0n);
}

const head = [
  { name: 'date', label: 'Fecha', kind: 'date' },
  { name: 'loan', label: 'Crédito', kind: 'text' },
  { name: 'principal', label: 'Capital', kind: 'amount' },
  { name: 'interest', label: 'Interés', kind: 'amount' },
  { name: 'vat', label: 'IVA', kind: 'amount' },
  { name: 'fee', label: 'Comisiones', kind: 'amount' },
  { name: 'penalty', label: 'Interés moratorio', kind: 'amount' },
  { name: 'amount', label: 'Pago total', kind: 'amount' },
  { name: 'reversed', label: 'Reversado', kind: 'date' },
] as const satisfies readonly Column[];

/** The last letters of a loan's key, which tell it from the client's others. */
const loanLetters = 12;

function paymentLine(payment: PaymentRow, dayOf: (at: Date) => string): Record<(typeof head)[number]['name'], string> {
  const { principal, interest, vat, fee, penalty, amount } = payment;
  const parts = { principal, interest, vat, fee, penalty, amount };
  const reversed = payment.reversed_at === null ? '' : dayOf(payment.reversed_at);
  return { date: dayOf(payment.payment_date), loan: payment.loan_id.slice(-loanLetters), ...parts, reversed };
}

function notesOf({ loans, payments }: Known): readonly string[] {
  return [
    `Importes en pesos mexicanos (MXN). De cada crédito, la tabla de pagos lleva los últimos ${loanLetters} caracteres.`,
    ...(payments.some(({ reversed_at: at }) => at !== null) ? ['Un pago reversado no cuenta.'] : []),
    ...(payments.length < paymentsMax
      ? []
      : [`Se muestran los ${groupedText(String(paymentsMax))} pagos más recientes.`]),
    ...(loans.length < loansMax ? [] : [`Se muestran ${groupedText(String(loansMax))} créditos como máximo.`]),
  ];
}
