import { LendingRefusal } from '../refusal.ts';
import { scheduleFault } from './check-schedule.ts';
import { servicingFault } from './check-servicing.ts';
import { randomLoan } from './random-loan.ts';

/** What a run has found so far. */
export interface Findings {
  readonly loans: number;
  /** Loans that the engine refused with a field and an expectation, by its word for it. */
  readonly refused: ReadonlyMap<string, number>;
  readonly faults: readonly { readonly loan: number; readonly fault: string }[];
}

const faultsMax = 20;

/**
 * Checks random loans of a seed, from number `first` on, and stops after twenty faults. `report` is called now and then.
 */
export function checkLoans(
  run: { readonly seed: number; readonly first: number; readonly loans: number },
  report: (done: number) => void = () => undefined,
): Findings {
  const refused = new Map<string, number>();
  const faults: { loan: number; fault: string }[] = [];
  let done = 0;
  for (let loan = run.first; loan < run.first + run.loans && faults.length < faultsMax; loan += 1) {
    const outcome = outcomeOf(run.seed, loan);
    if (outcome.refusal) refused.set(outcome.refusal, (refused.get(outcome.refusal) ?? 0) + 1);
    if (outcome.fault) faults.push({ loan, fault: outcome.fault });
    done += 1;
    report(done);
  }
  return { loans: done, refused, faults };
}

function outcomeOf(seed: number, loan: number): { readonly refusal?: string; readonly fault?: string } {
  const { terms, random } = randomLoan(seed, loan);
  let isSchedule = true;
  try {
    const first = scheduleFault(terms.loan);
    isSchedule = false;
    const fault = first ?? servicingFault(terms, random);
    return fault === undefined ? {} : { fault };
  } catch (error) {
    if (error instanceof LendingRefusal && isSchedule) return { refusal: `${error.code} ${error.field}` };
    return { fault: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
