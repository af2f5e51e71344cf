import { formatMinor } from '@quinta/platform/kernel';
import { z } from 'zod';
import { amountOutput } from '../amount.ts';
import { formatRational, portfolioAtRisk, rational, type ReserveTable } from '../engine/index.ts';
import { minorOf } from '../loan/loan-terms.ts';
import type { PortfolioLine } from './report-store.ts';

const share = z.object({
  amount: amountOutput,
  share: z.string().meta({ description: 'Of the whole balance, cut after six decimals', example: '0.031250' }),
});

const lineOutput = z.object({
  days_from: z.int(),
  days_to: z.int().nullable(),
  loans: z.int(),
  balance: amountOutput,
  past_due: amountOutput,
  interest_receivable: amountOutput,
  reserve: amountOutput,
});

export const portfolioOutput = z.object({
  day: z.iso.date(),
  loans: z.int(),
  balance: amountOutput,
  past_due: amountOutput,
  interest_receivable: amountOutput,
  reserve: amountOutput,
  par30: share.meta({ description: 'Whole balances of the loans more than 30 days late' }),
  par60: share,
  par90: share,
  imor: share.meta({ description: 'Índice de morosidad: non-performing balance over all balances' }),
  ageing: z.array(lineOutput),
});

export type Portfolio = z.output<typeof portfolioOutput>;

const shareDecimals = 6;

/** The figures of a portfolio from its lines, which begin where portfolio at risk and the reserve tables look. */
export function portfolioOf(day: string, lines: readonly PortfolioLine[]): Portfolio {
  const sum = (name: 'balance' | 'past_due' | 'non_performing' | 'interest_receivable' | 'reserve'): bigint =>
    lines.reduce((total, line) => total + minorOf(line[name]), 0n);
  const [balance, nonPerforming] = [sum('balance'), sum('non_performing')];
  const risks = lines.map((line) => ({ balance: minorOf(line.balance), daysPastDue: line.days_from }));
  const atRisk = (days: 30 | 60 | 90) => {
    const { amount, share: part } = portfolioAtRisk(risks, days);
    return { amount: formatMinor(amount), share: formatRational(part, shareDecimals) };
  };
  const imor = balance === 0n ? rational(0n, 1n) : rational(nonPerforming, balance);
  return {
    day,
    loans: lines.reduce((total, { loans }) => total + loans, 0),
    balance: formatMinor(balance),
    past_due: formatMinor(sum('past_due')),
    interest_receivable: formatMinor(sum('interest_receivable')),
    reserve: formatMinor(sum('reserve')),
    par30: atRisk(30),
    par60: atRisk(60),
    par90: atRisk(90),
    imor: { amount: formatMinor(nonPerforming), share: formatRational(imor, shareDecimals) },
    ageing: lines.map((line, place) => ({
      days_from: line.days_from,
      days_to: lastDay(lines, place),
      loans: line.loans,
      balance: line.balance,
      past_due: line.past_due,
      interest_receivable: line.interest_receivable,
      reserve: line.reserve,
    })),
  };
}

export const reservesOutput = z.object({
  day: z.iso.date(),
  table: z.string(),
  source: z.string(),
  reserve: amountOutput,
  lines: z.array(
    z.object({
      days_from: z.int(),
      days_to: z.int().nullable(),
      percent: z.int(),
      loans: z.int(),
      balance: amountOutput,
      interest_receivable: amountOutput,
      reserve: amountOutput,
    }),
  ),
});

export type Reserves = z.output<typeof reservesOutput>;

/** What is set aside, by the lines of the table that held on the day. */
export function reservesOf(day: string, lines: readonly PortfolioLine[], table: ReserveTable): Reserves {
  return {
    day,
    table: table.name,
    source: table.source,
    reserve: formatMinor(lines.reduce((total, line) => total + minorOf(line.reserve), 0n)),
    lines: lines.map((line, place) => ({
      days_from: line.days_from,
      days_to: lastDay(lines, place),
      percent: table.rows.findLast(({ daysFrom }) => daysFrom <= line.days_from)?.percent ?? 0,
      loans: line.loans,
      balance: line.balance,
      interest_receivable: line.interest_receivable,
      reserve: line.reserve,
    })),
  };
}

function lastDay(lines: readonly PortfolioLine[], place: number): number | null {
  const next = lines[place + 1];
  return next === undefined ? null : next.days_from - 1;
}
