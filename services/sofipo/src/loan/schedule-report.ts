import type { Context } from '@quinta/platform/kernel';
import type { Sofipo } from '../app.ts';
import { findClient } from '../client/client-store.ts';
import type { Column, Report } from '../document/report.ts';
import { dateText, pesosText } from '../document/words.ts';
import { clientNotFound, loanNotFound } from '../problems.ts';
import { historyOf } from './event-store.ts';
import { findLoan } from './loan-store.ts';
import { termFacts } from './loan-facts.ts';
import { scheduleAt, standingOf } from './read-loan.ts';

const head = [
  { name: 'number', label: 'No.', kind: 'count' },
  { name: 'due_date', label: 'Vencimiento', kind: 'date' },
  { name: 'principal', label: 'Capital', kind: 'amount', isSummed: true },
  { name: 'interest', label: 'Interés', kind: 'amount', isSummed: true },
  { name: 'vat', label: 'IVA', kind: 'amount', isSummed: true },
  { name: 'fees', label: 'Comisiones', kind: 'amount', isSummed: true },
  { name: 'total', label: 'Pago total', kind: 'amount', isSummed: true },
  { name: 'balance', label: 'Saldo insoluto', kind: 'amount' },
  { name: 'paid', label: 'Pagado', kind: 'amount', isSummed: true },
  { name: 'unpaid', label: 'Pendiente', kind: 'amount', isSummed: true },
  { name: 'days_past_due', label: 'Días de atraso', kind: 'count' },
] as const satisfies readonly Column[];

/**
 * The schedule of a loan as a table of its own: the rows are those of `scheduleOf`, read in one snapshot with whose it is.
 * @throws Problem loan_not_found
 */
export async function scheduleReport(
  app: Sofipo,
  context: Context,
  loanId: string,
): Promise<Report<(typeof head)[number]['name']>> {
  const { loan, history, client } = await app.reads(context, `loan:${loanId}`).snapshot(async (db) => {
    const found = await findLoan(db, loanId);
    if (!found) throw loanNotFound();
    const owner = await findClient(db, found.client_id);
    if (!owner) throw clientNotFound();
    return { loan: found, history: await historyOf(db, loanId), client: owner };
  });
  const { asOf, state } = standingOf({ loan, history }, app.today());
  const schedule = scheduleAt(loan.id, asOf, state);
  return {
    fileName: `tabla-de-amortizacion-${loan.id}`,
    title: 'Tabla de amortización',
    facts: [
      { label: 'Cliente', value: client.full_name },
      { label: 'RFC', value: client.rfc },
      { label: 'Crédito', value: loan.id },
      ...termFacts(loan, history.events),
      { label: 'Fecha de corte', value: dateText(schedule.as_of) },
      { label: 'Saldo insoluto', value: pesosText(schedule.current_balance) },
      { label: 'Días de atraso', value: String(schedule.days_past_due) },
    ],
    head,
    rows: schedule.installments,
    notes: ['Importes en pesos mexicanos (MXN).'],
  };
}
