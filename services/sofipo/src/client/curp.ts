import { isDayOfTheCentury, valuesOf, weightedSum } from './check-digit.ts';

const states =
  'AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ YN ZS NE'.replaceAll(
    ' ',
    '|',
  );
/** X for the sex has been given out since 2023; whether everywhere is not settled, so it is taken. */
const shape = new RegExp(`^[A-Z][AEIOUX][A-Z]{2}(\\d{6})[HMX](?:${states})[B-DF-HJ-NP-TV-Z]{3}[0-9A-Z]\\d$`);
const values = valuesOf('0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ');
const bodyLength = 17;

/**
 * Reads a CURP: upper-cased, blanks and hyphens stripped, 18 letters of the right kinds, a real date, a state, and the
 * check digit, which is enforced: RENAPO gives none out with a wrong one. Undefined for anything else.
 */
export function parseCurp(text: string): string | undefined {
  const curp = text.toUpperCase().replaceAll(/[\s-]/g, '');
  const [, date] = shape.exec(curp) ?? [];
  if (date === undefined || !isDayOfTheCentury(date)) return undefined;
  return curpCheckDigit(curp.slice(0, bodyLength)) === curp.at(-1) ? curp : undefined;
}

/** The check digit of the first 17 letters: places in 0-9 A-N Ñ O-Z by weights 18 to 2, ten less the sum modulo ten. */
export function curpCheckDigit(body: string): string | undefined {
  const sum = weightedSum(body, bodyLength + 1, values);
  return sum === undefined ? undefined : String((10 - (sum % 10)) % 10);
}
