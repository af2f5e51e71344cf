import { isDayOfTheCentury, valuesOf, weightedSum } from './check-digit.ts';

/** What the check digit says. It is advice: some 1.5 % of the numbers in use carry a wrong one. */
export type RfcCheck = 'ok' | 'mismatch' | 'generic';

/** A federal taxpayer's number: normalised, of a person (13) or a company (12), with what its check digit says. */
export interface Rfc {
  readonly rfc: string;
  readonly kind: 'person' | 'company';
  readonly check: RfcCheck;
}

/** The numbers that the SAT gives to the general public and to foreigners; many people share them. */
const generic = new Set(['XAXX010101000', 'XEXX010101000']);
const shape = /^([A-ZÑ&]{3,4})(\d{6})([A-Z0-9]{2})([A-Z0-9])$/;
const values = valuesOf('0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ');
const modulus = 11;
/** Both lengths are weighted as thirteen: a company's number is padded with a blank. */
const bodyLength = 12;

/**
 * The first four letters of a person that the SAT does not give out because they read as a word (annex IV of its
 * instructions for the RFC); it writes an X for the last of them.
 */
const unseemly = new Set(
  (
    'BUEI BUEY CACA CACO CAGA CAGO CAKA CAKO COGE COJA COJE COJI COJO CULO FETO GUEY JOTO KACA KACO KAGA KAGO KAKA KOGE ' +
    'KOJO KULO MAME MAMO MEAR MEAS MEON MION MOCO MULA PEDA PEDO PENE PUTA PUTO QULO RATA RUIN'
  ).split(' '),
);

/**
 * Reads an RFC: upper-cased, blanks and hyphens stripped, then 12 or 13 letters of the right kinds around a real date.
 * Undefined where it cannot be one; the check digit is reported and never a reason to refuse.
 */
export function parseRfc(text: string): Rfc | undefined {
  const rfc = normalizeRfc(text);
  if (generic.has(rfc)) return { rfc, kind: 'person', check: 'generic' };
  const match = shape.exec(rfc);
  const [, letters = '', date = '', , digit] = match ?? [];
  if (!match || !isDayOfTheCentury(date) || unseemly.has(letters)) return undefined;
  const check = rfcCheckDigit(rfc.slice(0, -1)) === digit ? 'ok' : 'mismatch';
  return { rfc, kind: letters.length === 4 ? 'person' : 'company', check };
}

/** Upper case, composed letters (Ñ is one), without blanks and hyphens. */
export function normalizeRfc(text: string): string {
  return text.normalize('NFC').toUpperCase().replaceAll(/[\s-]/g, '');
}

/**
 * The check digit of the first 11 or 12 letters: values by the SAT's table, weights 13 to 2, the sum modulo 11; 0 gives
 * "0", 1 gives "A", else 11 less the rest (annex III of the SAT's instructions for the RFC).
 */
export function rfcCheckDigit(body: string): string | undefined {
  const sum = weightedSum(body.padStart(bodyLength, ' '), bodyLength + 1, values);
  if (sum === undefined) return undefined;
  const rest = sum % modulus;
  if (rest === 0) return '0';
  return rest === 1 ? 'A' : String(modulus - rest);
}
