import { formatMinor } from '@quinta/platform/kernel';

/** Parsed input as JSON can say it: amounts are decimal text, and what was not said is left out. */
export function plainOf(value: unknown): unknown {
  if (typeof value === 'bigint') return formatMinor(value);
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, plainOf(member)]));
}
