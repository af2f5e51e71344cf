import { z } from 'zod';
import { decodeCursor, parseInstant } from '../kernel/index.ts';

const int32Max = 2_147_483_647;

/** A serial key in a path or a filter. */
export const idParameter = z.coerce.number().int().min(1).max(int32Max);

export const idParams = z.object({ id: idParameter });

/** `limit`: how many rows a page has. */
export function limitParameter(sizeDefault: number, sizeMax: number): z.ZodType<number> {
  return z.coerce
    .number()
    .int()
    .min(1)
    .max(sizeMax)
    .default(sizeDefault)
    .meta({ description: `Rows a page, at most ${sizeMax}` });
}

/** Years 1 to 9999 in UTC: what an ISO text of four digits and every database can hold. */
function isInCommonYears(instant: Date): boolean {
  const year = instant.getUTCFullYear();
  return year >= 1 && year <= 9_999;
}

/** An ISO 8601 instant; without an offset UTC, and a date alone its first instant. */
export const instantParameter = z
  .string()
  .max(40)
  .transform((text, check) => {
    const instant = parseInstant(text);
    if (instant && isInCommonYears(instant)) return instant;
    check.addIssue({ code: 'custom', message: 'Expected an ISO 8601 date or date-time', params: { type: 'instant' } });
    return z.NEVER;
  })
  .meta({ type: 'string', format: 'date-time', example: '2026-01-31T00:00:00Z' });

/** What one key of a cursor is: a serial key, or a text. */
export type CursorKind = 'id' | 'text';

const cursorChecks: Readonly<Record<CursorKind, (key: string | number | undefined) => boolean>> = {
  id: (key) => typeof key === 'number' && Number.isInteger(key) && key > 0 && key <= int32Max,
  text: (key) => typeof key === 'string' && !key.includes('\u0000') && key.isWellFormed(),
};

/**
 * `cursor`: where the page before this one ended. Anybody can make one up, so each key is of its kind and fits its
 * column, or the cursor is refused.
 */
export function cursorParameter(...kinds: readonly CursorKind[]): z.ZodType<readonly (string | number)[] | undefined> {
  return z
    .string()
    .max(512)
    .transform((text, check) => {
      const keys = decodeCursor(text, kinds.length);
      if (keys && kinds.every((kind, place) => cursorChecks[kind](keys[place]))) return keys;
      check.addIssue({ code: 'custom', message: 'Expected the `next` of another page', params: { type: 'cursor' } });
      return z.NEVER;
    })
    .optional()
    .meta({ type: 'string', description: 'The `next` of the page before' });
}

/**
 * Text that a database can hold: no NUL, no broken surrogate. Length counts code points, as JSON Schema and a column of
 * characters do; JavaScript's own `length` may be twice as much.
 */
export function plainText(length: { readonly min?: number; readonly max: number }): z.ZodString {
  return z
    .string()
    .min(length.min ?? 0)
    .max(length.max)
    .refine((text) => !text.includes('\u0000') && text.isWellFormed(), {
      message: 'Expected text without NUL or broken surrogates',
      params: { type: 'text' },
    });
}
