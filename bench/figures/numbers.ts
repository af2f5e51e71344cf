import type { Spread } from './statistics.ts';

/** Three digits that mean something, thousands apart: `12,345`, `128`, `12.8`, `1.28`, `0.128`. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  const digits = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: 0, maximumFractionDigits: digits });
}

export function medianText(spread: Spread | undefined): string {
  return spread === undefined ? '–' : shortNumber(spread.median);
}

/** `1.87 (1.80 to 1.93)`; of one round the value alone. */
export function spreadText(spread: Spread | undefined): string {
  if (spread === undefined) return '–';
  const { median, min, max } = spread;
  return min === max ? shortNumber(median) : `${shortNumber(median)} (${shortNumber(min)} to ${shortNumber(max)})`;
}

/** `1,000,000` or `1e6` as a whole number; undefined for anything else. */
export function parseCount(text: string): number | undefined {
  const value = /^\d[\d,_]*(e\d{1,2})?$/i.test(text) ? Number(text.replaceAll(/[,_]/g, '')) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
