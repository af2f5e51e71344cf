/** The years that the text of a timestamp has four digits for, less those that JavaScript takes for the 20th century. */
const common = /^[1-9]\d{3}-/;

/**
 * A timestamp without a zone as PostgreSQL writes it (`2026-01-31 15:04:05.123456`), which here is UTC; the driver would
 * read it in the machine's own zone. Microseconds are cut off. What is no instant (`infinity`) is an invalid Date.
 *
 * Lists have several of them a row, and the language's own parser takes four times as long.
 */
export function utcInstant(text: string): Date {
  if (!common.test(text) || text.endsWith('C')) return new Date(`${text.replace(' ', 'T')}Z`);
  const part = (from: number, to: number): number => Number(text.slice(from, to));
  const millis = Number(text.slice(20, 23).padEnd(3, '0'));
  return new Date(Date.UTC(part(0, 4), part(5, 7) - 1, part(8, 10), part(11, 13), part(14, 16), part(17, 19), millis));
}
