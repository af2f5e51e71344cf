/** Why terms, an event or a payment cannot be carried out: a stable word for programs. */
export type RefusalCode =
  | 'out_of_range'
  | 'conflicting_terms'
  | 'negative_amortization'
  | 'finishes_early'
  | 'never_pays_off'
  | 'payment_exceeds_payoff'
  | 'nothing_to_waive'
  | 'unknown_event'
  | 'duplicate_event'
  | 'not_disbursed'
  | 'written_off'
  | 'not_written_off'
  | 'no_solution';

/**
 * What the engine cannot do with what it was given, and is no bug: which field, what it held, what would do. A caller that
 * speaks to clients turns it into a problem of its own catalogue.
 */
export class LendingRefusal extends Error {
  readonly code: RefusalCode;
  readonly field: string;
  readonly given: string;
  readonly expected: string;

  constructor(code: RefusalCode, fault: { readonly field: string; readonly given: string; readonly expected: string }) {
    super(`${fault.field} is ${fault.given}: expected ${fault.expected}`);
    this.name = 'LendingRefusal';
    this.code = code;
    this.field = fault.field;
    this.given = fault.given;
    this.expected = fault.expected;
  }
}
