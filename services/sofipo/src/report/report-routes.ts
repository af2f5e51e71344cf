import { limitParameter, type Route, routesOf } from '@quinta/platform/http';
import type { Context } from '@quinta/platform/kernel';
import { z } from 'zod';
import { amountOutput } from '../amount.ts';
import type { Sofipo } from '../app.ts';
import { type Report, reportFile, reportFormat, reportStreams, stampOf } from '../document/report.ts';
import { dateText, pesosText, rateText } from '../document/words.ts';
import { formatCalendarDate, reserveTableOn } from '../engine/index.ts';
import { statusParameter } from '../loan/loan.ts';
import { dateOf } from '../loan/loan-terms.ts';
import { dayNotClosed } from '../problems.ts';
import { skipParameter } from '../reading.ts';
import {
  type Portfolio,
  portfolioOf,
  portfolioOutput,
  type Reserves,
  reservesOf,
  reservesOutput,
} from './portfolio.ts';
import { type CollectionRow, findClosedDay, listCollection, portfolioOn, type PortfolioLine } from './report-store.ts';
import { dateInput } from '../loan/terms-input.ts';

const { route } = routesOf<Sofipo>();
const tag = 'reports';
const dayQuery = z.strictObject({
  date: dateInput.optional().meta({ description: 'A day that was closed; default the last one' }),
  format: reportFormat,
});
const problems = ['day_not_closed'] as const;

const collectionOutput = z.object({
  loan_id: z.guid(),
  client_id: z.guid(),
  full_name: z.string(),
  rfc: z.string(),
  email: z.string(),
  status: statusParameter,
  days_past_due: z.int(),
  past_due: amountOutput,
  next_due_on: z.iso.date().nullable(),
  next_due: amountOutput.nullable(),
  balance: amountOutput,
});

export const reportRoutes: readonly Route<Sofipo>[] = [
  route({
    method: 'GET',
    path: '/reports/portfolio',
    operation: 'report.portfolio',
    summary: 'The portfolio at the end of a day: portfolio at risk, IMOR, ageing, reserves',
    tag,
    query: dayQuery,
    replies: { 200: portfolioOutput },
    streams: reportStreams,
    problems,
    handle: async ({ app, context, query: { date, format } }) => {
      const { day, lines } = await closedPortfolio(app, context, date);
      const body = portfolioOf(day, lines);
      return format === 'json' ? { status: 200, body } : reportFile(format, portfolioReport(body), stampOf(app));
    },
  }),
  route({
    method: 'GET',
    path: '/reports/reserves',
    operation: 'report.reserves',
    summary: 'What is set aside for losses at the end of a day, by the table that held on it',
    tag,
    query: dayQuery,
    replies: { 200: reservesOutput },
    streams: reportStreams,
    problems,
    handle: async ({ app, context, query: { date, format } }) => {
      const { day, lines } = await closedPortfolio(app, context, date);
      const body = reservesOf(day, lines, reserveTableOn(dateOf(day), app.config.SOFIPO_RESERVE_TYPE));
      return format === 'json' ? { status: 200, body } : reportFile(format, reservesReport(body), stampOf(app));
    },
  }),
  route({
    method: 'GET',
    path: '/reports/collection',
    operation: 'report.collection',
    summary:
      'Whom to ask for money today: who was late at the last close, and whose instalment falls due; longest first',
    tag,
    query: z.strictObject({
      due_by: dateInput.optional().meta({ description: 'Instalments that fall due by then; default today' }),
      days_min: z.coerce.number().int().min(0).max(100_000).default(1).meta({ description: 'Days late at least' }),
      skip: skipParameter,
      limit: limitParameter(100, 1_000),
      format: reportFormat,
    }),
    replies: { 200: z.array(collectionOutput) },
    streams: reportStreams,
    handle: async ({ app, context, query: { due_by: by, days_min: daysMin, skip, limit, format } }) => {
      const dueBy = by ?? formatCalendarDate(app.today());
      const rows = await listCollection(app.reads(context), { dueBy, daysMin, skip, limit });
      const body = rows.map((row) => ({ ...row, status: statusParameter.parse(row.status) }));
      return format === 'json'
        ? { status: 200, body }
        : reportFile(format, collectionReport(rows, dueBy), stampOf(app));
    },
  }),
];

/**
 * What the close of a day has summed up.
 * @throws Problem day_not_closed
 */
async function closedPortfolio(
  { reads }: Sofipo,
  context: Context,
  date: string | undefined,
): Promise<{ readonly day: string; readonly lines: readonly PortfolioLine[] }> {
  const db = reads(context);
  const day = await findClosedDay(db, date);
  if (day === undefined) throw dayNotClosed({ day: date ?? 'yet' });
  return { day, lines: await portfolioOn(db, day) };
}

const count = { kind: 'count' } as const;
const amount = { kind: 'amount', isSummed: true } as const;
const ages = [
  { name: 'days_from', label: 'Días de atraso desde', ...count },
  { name: 'days_to', label: 'hasta', ...count },
  { name: 'loans', label: 'Créditos', ...count },
  { name: 'balance', label: 'Saldo insoluto', ...amount },
] as const;

function portfolioReport(body: Portfolio): Report {
  const { day, loans, balance, imor, par30, par60, par90, ageing } = body;
  return {
    fileName: `cartera-${day}`,
    title: 'Cartera de crédito',
    facts: [
      { label: 'Fecha de corte', value: dateText(day) },
      { label: 'Créditos', value: String(loans) },
      { label: 'Saldo insoluto', value: pesosText(balance) },
      { label: 'IMOR', value: rateText(imor.share) },
      { label: 'Cartera en riesgo a 30 días', value: `${pesosText(par30.amount)} (${rateText(par30.share)})` },
      { label: 'Cartera en riesgo a 60 días', value: `${pesosText(par60.amount)} (${rateText(par60.share)})` },
      { label: 'Cartera en riesgo a 90 días', value: `${pesosText(par90.amount)} (${rateText(par90.share)})` },
    ],
    head: [
      ...ages,
      { name: 'past_due', label: 'Vencido', ...amount },
      { name: 'interest_receivable', label: 'Intereses devengados', ...amount },
      { name: 'reserve', label: 'Estimación', ...amount },
    ],
    rows: ageing,
  };
}

function reservesReport({ day, table, source, reserve, lines }: Reserves): Report {
  return {
    fileName: `estimacion-${day}`,
    title: 'Estimación preventiva para riesgos crediticios',
    facts: [
      { label: 'Fecha de corte', value: dateText(day) },
      { label: 'Tabla', value: table },
      { label: 'Estimación', value: pesosText(reserve) },
    ],
    head: [
      ...ages,
      { name: 'interest_receivable', label: 'Intereses devengados', ...amount },
      { name: 'percent', label: '%', ...count },
      { name: 'reserve', label: 'Estimación', ...amount },
    ],
    rows: lines,
    notes: [source],
  };
}

function collectionReport(rows: readonly CollectionRow[], dueBy: string): Report {
  return {
    fileName: `cobranza-${dueBy}`,
    title: 'Lista de cobranza',
    facts: [{ label: 'Fecha', value: dateText(dueBy) }],
    head: [
      { name: 'full_name', label: 'Cliente', kind: 'text' },
      { name: 'rfc', label: 'RFC', kind: 'text' },
      { name: 'loan_id', label: 'Crédito', kind: 'text' },
      { name: 'days_past_due', label: 'Días', ...count },
      { name: 'past_due', label: 'Vencido', ...amount },
      { name: 'next_due_on', label: 'Próximo pago', kind: 'date' },
      { name: 'next_due', label: 'Importe', kind: 'amount' },
      { name: 'balance', label: 'Saldo insoluto', ...amount },
    ],
    rows: rows.map((row) => ({ ...row })),
  };
}
