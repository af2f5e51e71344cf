import { ConfigError } from '@quinta/platform/config';
import type { Clock } from '@quinta/platform/kernel';
import { type CalendarDate, parseCalendarDate } from './engine/index.ts';

/**
 * Tells the day of a time zone: in Mexico it is still yesterday for six hours of each day of UTC.
 * @throws ConfigError for a zone that nobody knows
 */
export function businessDays(timeZone: string): (instant: Date) => CalendarDate {
  const format = formatOf(timeZone);
  return (instant) => {
    const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, value]));
    const date = parseCalendarDate(`${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`);
    if (date === undefined) throw new Error(`No day of ${timeZone} for ${instant.toISOString()}`);
    return date;
  };
}

/** The business day at this moment. */
export function todayIn(timeZone: string, clock: Clock): () => CalendarDate {
  const dayOf = businessDays(timeZone);
  return () => dayOf(clock.now());
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  } catch (error) {
    const fault = `SOFIPO_TIME_ZONE holds "${timeZone}", but should hold a time zone such as America/Mexico_City`;
    throw new ConfigError([`${fault} (${error instanceof Error ? error.message : String(error)})`]);
  }
}
