import type { Cell, CellKind } from './report.ts';

const monthNames = 'enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre'.split(
  ' ',
);

/** A cell as a Mexican client reads it. What is not of its kind is shown as it is: it is nobody's to guess. */
export function cellText(kind: CellKind, cell: Cell): string {
  if (cell === null) return '';
  const text = String(cell);
  if (kind === 'date') return dateText(text);
  if (kind === 'rate') return rateText(text);
  return kind === 'text' ? text : groupedText(text);
}

/** `1234567.80` is `1,234,567.80`. */
export function groupedText(decimal: string): string {
  const [, sign, whole = '', rest = ''] = /^(-?)(\d+)(\.\d+)?$/.exec(decimal) ?? [];
  if (sign === undefined) return decimal;
  return `${sign}${whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',')}${rest}`;
}

/** `1799.33` is `1,799.33 MXN`. */
export function pesosText(decimal: string): string {
  return `${groupedText(decimal)} MXN`;
}

/** `2026-01-31` is `31/01/2026`. */
export function dateText(isoDate: string): string {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(isoDate) ?? [];
  return year === undefined ? isoDate : `${day}/${month}/${year}`;
}

/** A share of one as a percentage with two decimals or as many as it has: `0.1500` is `15.00 %`. */
export function rateText(fraction: string): string {
  const [, whole, decimals = ''] = /^(\d+)(?:\.(\d+))?$/.exec(fraction) ?? [];
  if (whole === undefined) return fraction;
  const digits = decimals.padEnd(2, '0');
  const behind = digits.slice(2).replace(/0+$/, '').padEnd(2, '0');
  return `${BigInt(whole + digits.slice(0, 2))}.${behind} %`;
}

/** An instant in words: `31 de enero de 2026, 14:05`. */
export function instantText(instant: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const part = new Map(format.formatToParts(instant).map(({ type, value }) => [type, value]));
  const month = monthNames[Number(part.get('month')) - 1];
  return `${part.get('day')} de ${month} de ${part.get('year')}, ${part.get('hour')}:${part.get('minute')}`;
}
