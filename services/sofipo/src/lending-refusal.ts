import { LendingRefusal } from './engine/index.ts';
import { lendingRefused } from './problems.ts';

/** Fields of the engine by the names that clients send. */
const fields: Readonly<Record<string, string>> = {
  interestRate: 'interest_rate',
  firstDueDate: 'first_due_date',
  startDate: 'start_date',
  dayCount: 'day_count',
  businessDays: 'business_days',
  installmentMultiple: 'installment_multiple',
  vatRate: 'vat_rate',
  graceOnPrincipal: 'grace_on_principal',
  graceOnInterest: 'grace_on_interest',
};

/** Runs the engine on what a client sent: what it refuses is a 422 that names the field. */
export function refusingFields<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof LendingRefusal)) throw error;
    const field = fields[error.field] ?? error.field;
    const errors = [{ loc: ['body', field], msg: `Expected ${error.expected}`, type: error.code }];
    throw lendingRefused(
      { sentence: `${field} is ${error.given}, expected ${error.expected}` },
      { errors, cause: error },
    );
  }
}
