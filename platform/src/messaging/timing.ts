/** When a schedule runs: at whole multiples of a span since 1970, or once a day at a local time. */
export type Timing =
  | { readonly everyMs: number }
  | {
      /** `02:30`, by the clocks of the zone. */
      readonly dailyAt: string;
      /** An IANA name: `America/Mexico_City`. */
      readonly timeZone: string;
    };

const dayMs = 86_400_000;
/** A date may be skipped in a zone that crosses the date line; none skips more than one. */
const daysAhead = [-1, 0, 1, 2, 3];

/**
 * The first time of a schedule that lies after an instant. A local time that is skipped when clocks go forward is put
 * later by as much as they do; one that comes twice when they go back counts the first time.
 * @throws RangeError for a timing that is none
 */
export function nextRun(timing: Timing, after: Date): Date {
  if ('everyMs' in timing) {
    const { everyMs } = timing;
    if (!Number.isInteger(everyMs) || everyMs < 1_000) throw new RangeError('A schedule runs once a second at most');
    return new Date((Math.floor(after.getTime() / everyMs) + 1) * everyMs);
  }
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(timing.dailyAt) ?? [];
  if (hours === undefined || minutes === undefined) throw new RangeError(`"${timing.dailyAt}" is no time of a day`);
  const offsetOf = offsetsIn(timing.timeZone);
  const todayMs = Math.floor((after.getTime() + offsetOf(after.getTime())) / dayMs) * dayMs;
  const ofDayMs = (Number(hours) * 60 + Number(minutes)) * 60_000;
  const times = daysAhead.map((days) => instantOf(todayMs + days * dayMs + ofDayMs, offsetOf));
  const next = times.find((time) => time > after.getTime());
  if (next === undefined) throw new RangeError(`There is no ${timing.dailyAt} in ${timing.timeZone}`);
  return new Date(next);
}

/** The schedule's timing as one text, to notice that it was changed. */
export function timingText(timing: Timing): string {
  return 'everyMs' in timing ? `every ${timing.everyMs} ms` : `daily at ${timing.dailyAt} ${timing.timeZone}`;
}

/** A local time, written as if it were UTC, as an instant. */
function instantOf(localMs: number, offsetOf: (instantMs: number) => number): number {
  const [before, after] = [offsetOf(localMs - dayMs), offsetOf(localMs + dayMs)];
  const isThere = (instantMs: number): boolean => instantMs + offsetOf(instantMs) === localMs;
  const candidates = [localMs - before, localMs - after].filter(isThere);
  return candidates.length === 0 ? localMs - before : Math.min(...candidates);
}

/** How far the clocks of a zone are ahead of UTC at an instant, in milliseconds; whole seconds, as zones have them. */
function offsetsIn(timeZone: string): (instantMs: number) => number {
  const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    era: 'short',
    ...fields,
    second: 'numeric',
  });
  return (instantMs) => {
    const parts = new Map(format.formatToParts(instantMs).map(({ type, value }) => [type, Number(value)]));
    const at = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const local = Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second'));
    return local - Math.floor(instantMs / 1_000) * 1_000;
  };
}
