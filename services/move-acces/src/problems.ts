import { defineProblem } from '@quinta/platform/kernel';

/** The sentences that existing clients show are those of the earlier system. */
export const emailTaken = defineProblem('email_taken', 409, 'Conflict', 'User with this email already exists');
export const credentialsInvalid = defineProblem(
  'credentials_invalid',
  401,
  'Unauthorized',
  'Incorrect email or password',
);
export const accountThrottled = defineProblem(
  'account_throttled',
  429,
  'Too Many Requests',
  'Too many failed sign-ins of this account: try again in {seconds} s, or from a device that has signed in before.',
);
export const currentPasswordWrong = defineProblem(
  'current_password_wrong',
  401,
  'Unauthorized',
  'The current password is wrong.',
);
export const memberNotFound = defineProblem('user_not_found', 404, 'Not Found', 'There is no member {id}.');
export const sessionNotFound = defineProblem('session_not_found', 404, 'Not Found', 'There is no live session {id}.');
export const subscriptionNotFound = defineProblem(
  'subscription_not_found',
  404,
  'Not Found',
  'You have no subscription {id}.',
);
export const noCurrentSubscription = defineProblem(
  'no_current_subscription',
  404,
  'Not Found',
  'You have no subscription that is good today ({reason}).',
);

export const tooManySockets = defineProblem(
  'too_many_sockets',
  429,
  'Too Many Requests',
  'You have too many connections open, or the server has: close one first.',
);
export const ticketsUnavailable = defineProblem(
  'tickets_unavailable',
  503,
  'Service Unavailable',
  'Tickets cannot be kept at the moment: connect with the access token itself.',
);

export const moveAccesProblems = [
  emailTaken,
  credentialsInvalid,
  accountThrottled,
  currentPasswordWrong,
  memberNotFound,
  sessionNotFound,
  subscriptionNotFound,
  noCurrentSubscription,
  tooManySockets,
  ticketsUnavailable,
] as const;
