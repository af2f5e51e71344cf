/** Where "now" comes from, so that a test can hold time still. */
export interface Clock {
  /** The present instant. */
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

const isoInstant = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * Reads an ISO 8601 date or date-time as an instant. Without an offset it is UTC; a date alone is its first
 * instant. Returns undefined for anything else, impossible dates (2026-02-30) included.
 */
export function parseInstant(text: string): Date | undefined {
  const match = isoInstant.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '0', zone = 'Z'] = match;
  const offset = zone === 'Z' || zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const millis = fraction.padEnd(3, '0').slice(0, 3);
  const instant = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${millis}${offset}`);
  if (Number.isNaN(instant.getTime())) return undefined;
  // The Date constructor rolls 30 February over into March; the day must come back as it was written.
  const midnight = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return Number.isNaN(midnight.getTime()) || midnight.getUTCDate() !== Number(day) ? undefined : instant;
}
