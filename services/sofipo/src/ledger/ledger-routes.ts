import { type Route, routesOf } from '@quinta/platform/http';
import { z } from 'zod';
import { amountOutput } from '../amount.ts';
import type { Sofipo } from '../app.ts';
import { type Report, reportFile, reportFormat, reportStreams, stampOf } from '../document/report.ts';
import { trialBalance } from './ledger-store.ts';

const { route } = routesOf<Sofipo>();

const accountOutput = z.object({
  account: z.string(),
  name: z.string(),
  debit: amountOutput,
  credit: amountOutput,
  balance: amountOutput.meta({ description: 'Positive on the debit side' }),
});

export const ledgerRoutes: readonly Route<Sofipo>[] = [
  route({
    method: 'GET',
    path: '/ledger/trial-balance',
    operation: 'ledger.trial_balance',
    summary: 'Every account with its turnover; the balances sum to zero',
    tag: 'ledger',
    query: z.strictObject({ format: reportFormat }),
    replies: { 200: z.object({ accounts: z.array(accountOutput) }) },
    streams: reportStreams,
    handle: async ({ app, context, query: { format } }) => {
      const accounts = [...(await trialBalance(app.reads(context)))];
      if (format === 'json') return { status: 200, body: { accounts } };
      return reportFile(format, { ...trialBalanceReport, rows: accounts.map((row) => ({ ...row })) }, stampOf(app));
    },
  }),
];

const trialBalanceReport = {
  fileName: 'balanza-de-comprobacion',
  title: 'Balanza de comprobación',
  head: [
    { name: 'account', label: 'Cuenta', kind: 'text' },
    { name: 'name', label: 'Nombre', kind: 'text' },
    { name: 'debit', label: 'Cargos', kind: 'amount', isSummed: true },
    { name: 'credit', label: 'Abonos', kind: 'amount', isSummed: true },
    { name: 'balance', label: 'Saldo', kind: 'amount', isSummed: true },
  ],
} satisfies Omit<Report, 'rows'>;
