import { type Rational, rational, zero } from '../number/rational.ts';

/** What a portfolio's figures are made of: a loan's balance in centavos and how late it is. */
export interface LoanRisk {
  readonly balance: bigint;
  readonly daysPastDue: number;
  /** Whether it counts as past due for the regulator (stage 3 since the rules of 2024); by days where that is not known. */
  readonly isNonPerforming?: boolean;
}

/** An amount and its share of the whole portfolio. */
export interface PortfolioShare {
  readonly amount: bigint;
  readonly of: bigint;
  /** Exact; zero for an empty portfolio. */
  readonly share: Rational;
}

/** Instalment credit is past due for the regulator after 90 days, credit that is repaid at once after 30. */
export const nonPerformingDays = { installments: 90, bullet: 30 } as const;

/** Portfolio at risk: whole balances of the loans that are more than so many days late, over all balances. */
export function portfolioAtRisk(loans: readonly LoanRisk[], days: 30 | 60 | 90): PortfolioShare {
  return shareOf(loans, (loan) => loan.daysPastDue > days);
}

/** IMOR, the delinquency index of Banxico and CNBV: past-due portfolio over total portfolio. */
export function delinquencyIndex(loans: readonly LoanRisk[]): PortfolioShare {
  const isNonPerforming = (loan: LoanRisk): boolean =>
    loan.isNonPerforming ?? loan.daysPastDue > nonPerformingDays.installments;
  return shareOf(loans, isNonPerforming);
}

function shareOf(loans: readonly LoanRisk[], counts: (loan: LoanRisk) => boolean): PortfolioShare {
  let amount = 0n;
  let of = 0n;
  for (const loan of loans) {
    of += loan.balance;
    if (counts(loan)) amount += loan.balance;
  }
  return { amount, of, share: of === 0n ? zero : rational(amount, of) };
}
