/** What a value is for PostgreSQL: a text, bytes, or null. */
export type ParameterValue = string | Buffer | null;

const escaped = /["\\]/g;

/**
 * A value as PostgreSQL reads it: numbers and texts as they are, instants in UTC, arrays as array literals, other objects
 * as JSON. Throws a RangeError for a Date that is no instant, and a TypeError for what is no value at all.
 */
export function parameterValue(value: unknown): ParameterValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'object') throw new TypeError(`A ${typeof value} is no value for a statement`);
  if (Array.isArray(value)) return arrayText(value);
  if (value instanceof Date) return instantText(value);
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return JSON.stringify(value);
}

/** An array literal (PostgreSQL, section 8.15.2): every text is quoted, so that none is taken for NULL. */
function arrayText(items: readonly unknown[]): string {
  let text = '';
  for (const item of items) text += text === '' ? elementText(item) : `,${elementText(item)}`;
  return `{${text}}`;
}

function elementText(item: unknown): string {
  if (typeof item === 'number') return String(item);
  if (Array.isArray(item)) return arrayText(item);
  const value = parameterValue(item);
  if (value === null) return 'NULL';
  const text = typeof value === 'string' ? value : String.raw`\x${value.toString('hex')}`;
  return text.includes('"') || text.includes('\\') ? `"${text.replaceAll(escaped, String.raw`\$&`)}"` : `"${text}"`;
}

/** ISO 8601 with the years that JavaScript writes with a sign as PostgreSQL writes them. */
function instantText(instant: Date): string {
  const text = instant.toISOString();
  const signed = /^([+-])(\d+)(.*)Z$/.exec(text);
  if (!signed) return text;
  const [, sign, digits, rest] = signed;
  return sign === '+' ? `${Number(digits)}${rest}Z` : `${String(Number(digits) + 1).padStart(4, '0')}${rest}Z BC`;
}
