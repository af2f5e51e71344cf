import type { FieldFault } from '../kernel/index.ts';
import { isCommonPassword } from './common-passwords.ts';

export interface PasswordRules {
  /** In characters (Unicode code points); default 8, which ASVS 5.0 allows and 15 is what it recommends. */
  readonly lengthMin?: number;
  /** In characters; default 256. */
  readonly lengthMax?: number;
  /** What this user must not choose: name and e-mail. The part of an e-mail before its @ counts too. */
  readonly forbidden?: readonly string[];
  /** Where the password stands in the input; default `['body', 'password']`. */
  readonly loc?: readonly (string | number)[];
}

/**
 * What is wrong with a new password; an empty list where nothing is. Rules by length and by lists only, never by
 * classes of characters (NIST SP 800-63B, ASVS 5.0 chapter 6.2). The whole password is compared, letter case aside.
 * No sentence repeats the password.
 */
export function checkNewPassword(password: string, rules: PasswordRules = {}): FieldFault[] {
  const { lengthMin = 8, lengthMax = 256, forbidden = [], loc = ['body', 'password'] } = rules;
  const fault = (type: string, msg: string): FieldFault[] => [{ loc, msg, type }];
  // A code point is at most two units, so this refuses a megabyte without looking at it.
  if (password.length > lengthMax * 2) return fault('password_too_long', tooLong(lengthMax));
  if (!password.isWellFormed()) return fault('password_not_text', 'The password holds half of a character');
  const length = Array.from(password).length;
  if (length > lengthMax) return fault('password_too_long', tooLong(lengthMax));
  if (length < lengthMin) {
    return fault('password_too_short', `The password needs at least ${lengthMin} characters`);
  }
  if (namesOf(forbidden).has(password.toLowerCase())) {
    return fault('password_is_identifier', 'The password must not be the name or e-mail of its owner');
  }
  return isCommonPassword(password)
    ? fault('password_too_common', 'The password is on the list of the most common ones')
    : [];
}

function tooLong(lengthMax: number): string {
  return `The password may have at most ${lengthMax} characters`;
}

function namesOf(forbidden: readonly string[]): ReadonlySet<string> {
  const names = forbidden.map((name) => name.trim().toLowerCase());
  return new Set(names.flatMap((name) => [name, name.split('@')[0] ?? '']));
}
