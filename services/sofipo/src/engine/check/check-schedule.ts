import { amortize } from '../schedule/amortize.ts';
import { amortizeFast, fastPlan } from '../schedule/amortize-fast.ts';
import { planOf } from '../schedule/lasting-plan.ts';
import { generateSchedule } from '../schedule/schedule.ts';
import type { Installment, LoanTerms, Schedule } from '../schedule/terms.ts';
import { replayLoan } from '../servicing/replay.ts';

/** What is wrong with a schedule, or nothing: the sums, the last balance, signs, order, and both ways of reckoning. */
export function scheduleFault(terms: LoanTerms): string | undefined {
  const schedule = generateSchedule(terms);
  return rowsFault(terms, schedule) ?? waysFault(terms) ?? projectionFault(terms, schedule);
}

function rowsFault(terms: LoanTerms, { installments, totals }: Schedule): string | undefined {
  let balance = terms.amount;
  const sums = { principal: 0n, interest: 0n, vat: 0n, fees: 0n, total: 0n };
  let dueDate = terms.startDate;
  for (const row of installments) {
    const { principal, interest, vat, fees, total } = row;
    balance -= principal;
    if (principal < 0n || interest < 0n || vat < 0n || fees < 0n) return `instalment ${row.number} is negative`;
    if (total !== principal + interest + vat + fees) return `instalment ${row.number} is not the sum of its parts`;
    if (row.balance !== balance || balance < 0n) return `the balance after instalment ${row.number} is wrong`;
    if (row.dueDate < dueDate) return `instalment ${row.number} is due before the one before it`;
    dueDate = row.dueDate;
    sums.principal += principal;
    sums.interest += interest;
    sums.vat += vat;
    sums.fees += fees;
    sums.total += total;
  }
  if (balance !== 0n) return `the last balance is ${balance}`;
  if (terms.fixedInstallment === undefined && installments.length !== terms.term)
    return 'there are not as many as agreed';
  const isSummed = (Object.keys(sums) as (keyof typeof sums)[]).every((name) => sums[name] === totals[name]);
  return isSummed ? undefined : 'the totals are not the sums';
}

/** The two ways of reckoning, in doubles and in bigints, must agree wherever the first is taken. */
function waysFault(terms: LoanTerms): string | undefined {
  const plan = planOf(terms);
  const fast = fastPlan(plan);
  if (!fast) return undefined;
  const [inDoubles, exact] = [amortizeFast(plan, fast), amortize(plan)];
  for (const name of ['principal', 'interest', 'vat'] as const) {
    const differs = exact[name].findIndex((amount, row) => amount !== BigInt(inDoubles[name][row] ?? -1));
    if (differs >= 0) return `${name} of instalment ${differs + 1} differs between doubles and bigints`;
  }
  return undefined;
}

/** A loan on which nothing has happened yet must be projected as it was simulated. */
function projectionFault(terms: LoanTerms, { installments }: Schedule): string | undefined {
  const disbursed = { kind: 'disbursed', id: 'disbursed', date: terms.startDate } as const;
  const state = replayLoan({ loan: terms }, [disbursed], terms.startDate);
  const nonempty = installments.filter(({ total }) => total > 0n);
  const differs = nonempty.findIndex((row, index) => !isSame(row, state?.installments[index]));
  return differs < 0 ? undefined : `instalment ${differs + 1} is projected otherwise than simulated`;
}

function isSame(simulated: Installment, projected: Installment | undefined): boolean {
  return (
    simulated.number === projected?.number &&
    simulated.dueDate === projected.dueDate &&
    simulated.principal === projected.principal &&
    simulated.interest === projected.interest &&
    simulated.vat === projected.vat &&
    simulated.fees === projected.fees &&
    simulated.balance === projected.balance
  );
}
