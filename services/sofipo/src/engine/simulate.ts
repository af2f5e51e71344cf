import { type Cat, catOf } from './flows/cat.ts';
import { generateSchedule } from './schedule/schedule.ts';
import type { LoanTerms, Schedule } from './schedule/terms.ts';

/** A schedule and what it costs a year; no CAT where the fees leave nothing that could be paid out. */
export interface Simulation extends Schedule {
  readonly cat: Cat | undefined;
}

/**
 * What a loan of these terms would look like. Amounts are centavos. Throws a LendingRefusal (field, given, expected) for
 * terms that allow no schedule.
 */
export function simulate(terms: LoanTerms): Simulation {
  const schedule = generateSchedule(terms);
  return { ...schedule, cat: catOf(terms, schedule) };
}
