import { defineProblem } from '@quinta/platform/kernel';

/** The sentences that existing clients show are those of the earlier system. */
export const credentialsInvalid = defineProblem(
  'credentials_invalid',
  401,
  'Unauthorized',
  'Incorrect username or password',
);
export const rfcTaken = defineProblem('rfc_taken', 400, 'Bad Request', 'RFC already registered');
export const emailTaken = defineProblem('email_taken', 400, 'Bad Request', 'Email already registered');
export const clientNotFound = defineProblem('client_not_found', 404, 'Not Found', 'Client not found');
export const clientHasLoans = defineProblem(
  'client_has_loans',
  409,
  'Conflict',
  'Client {id} cannot be deleted: there are {count} loans, and their history stays.',
);
export const loanNotFound = defineProblem('loan_not_found', 404, 'Not Found', 'Loan not found');
export const loanNotActive = defineProblem(
  'loan_not_active',
  400,
  'Bad Request',
  'Loan is not active. Status: {status}',
);
export const paymentTooLarge = defineProblem(
  'payment_too_large',
  400,
  'Bad Request',
  'Payment amount cannot be greater than the current balance',
);
export const paymentNotFound = defineProblem('payment_not_found', 404, 'Not Found', 'Payment not found');
export const paymentReversed = defineProblem(
  'payment_reversed',
  409,
  'Conflict',
  'Payment {id} was reversed at {at} already.',
);
export const paymentKeyReused = defineProblem(
  'payment_key_reused',
  422,
  'Unprocessable Content',
  'The idempotency key was used before, for payment {id} of another amount.',
);
export const loanCannotMove = defineProblem(
  'loan_cannot_move',
  409,
  'Conflict',
  'Loan {id} cannot become {to}: it is {from}.',
);
export const loanHasPayments = defineProblem(
  'loan_has_payments',
  409,
  'Conflict',
  'Loan {id} cannot be cancelled: it has payments. Reverse them first.',
);
export const dayNotOver = defineProblem(
  'day_not_over',
  422,
  'Unprocessable Content',
  'Day {day} cannot be closed: it is not over. The last one that is over is {last}.',
);
export const dayNotClosed = defineProblem(
  'day_not_closed',
  404,
  'Not Found',
  'There is no closed day {day}: reports tell of days that were closed.',
);
export const productNotFound = defineProblem('product_not_found', 404, 'Not Found', 'There is no product "{code}".');
export const productTaken = defineProblem('product_taken', 409, 'Conflict', 'There is a product "{code}" already.');
export const productRefuses = defineProblem(
  'product_refuses',
  422,
  'Unprocessable Content',
  'Product {product} does not allow this loan: {sentence}.',
);
export const samePerson = defineProblem(
  'same_person',
  403,
  'Forbidden',
  'Loan {id} has to be approved by somebody else than the person who asked for it.',
);
export const lendingRefused = defineProblem(
  'lending_refused',
  422,
  'Unprocessable Content',
  'These terms cannot be served: {sentence}.',
);

export const eventsUnavailable = defineProblem(
  'events_unavailable',
  503,
  'Service Unavailable',
  'The document store is away: events are kept and can be read when it is back.',
);

export const sofipoProblems = [
  eventsUnavailable,
  credentialsInvalid,
  rfcTaken,
  emailTaken,
  clientNotFound,
  clientHasLoans,
  loanNotFound,
  loanNotActive,
  paymentTooLarge,
  paymentNotFound,
  paymentReversed,
  paymentKeyReused,
  loanCannotMove,
  loanHasPayments,
  dayNotOver,
  dayNotClosed,
  productNotFound,
  productTaken,
  productRefuses,
  samePerson,
  lendingRefused,
] as const;
