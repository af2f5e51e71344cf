import { defineProblem } from '@quinta/platform/kernel';

export const valeNotFound = defineProblem('voucher_not_found', 404, 'Not Found', 'There is no voucher {id}.');
export const valeAlreadyRedeemed = defineProblem(
  'voucher_already_redeemed',
  409,
  'Conflict',
  'Voucher {id} cannot be {verb}: it was redeemed at {at} by user {by}.',
);
export const valeAlreadyVoid = defineProblem(
  'voucher_already_void',
  409,
  'Conflict',
  'Voucher {id} cannot be {verb}: it was voided at {at} by user {by}.',
);
export const valeRequestReused = defineProblem(
  'voucher_request_reused',
  422,
  'Unprocessable Content',
  'Request {requestId} has drawn voucher {id} already, with another amount, description or user.',
);
export const drawerUnknown = defineProblem(
  'voucher_user_unknown',
  422,
  'Unprocessable Content',
  'There is no active user {userId} to draw a voucher.',
);
export const usuarioNotFound = defineProblem('user_not_found', 404, 'Not Found', 'There is no user {id}.');
export const usernameTaken = defineProblem('username_taken', 409, 'Conflict', 'The user name is taken.');
export const emailTaken = defineProblem('email_taken', 409, 'Conflict', 'The e-mail address is taken.');
export const lastAdmin = defineProblem(
  'last_admin',
  409,
  'Conflict',
  'User {id} is the last active admin and must stay one.',
);
export const credentialsInvalid = defineProblem(
  'credentials_invalid',
  401,
  'Unauthorized',
  'The user name or the password is wrong.',
);
export const registrationClosed = defineProblem(
  'registration_closed',
  403,
  'Forbidden',
  'Users are made by an admin here: registration is closed.',
);
export const currentPasswordWrong = defineProblem(
  'current_password_wrong',
  422,
  'Unprocessable Content',
  'The current password is wrong.',
);

export const mexaProblems = [
  valeNotFound,
  valeAlreadyRedeemed,
  valeAlreadyVoid,
  valeRequestReused,
  drawerUnknown,
  usuarioNotFound,
  usernameTaken,
  emailTaken,
  lastAdmin,
  credentialsInvalid,
  registrationClosed,
  currentPasswordWrong,
] as const;
