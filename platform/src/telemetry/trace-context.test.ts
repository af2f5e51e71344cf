import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTraceparent, newSpanId, parseTraceparent } from './trace-context.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

describe('parseTraceparent', () => {
  test.each([
    ['sampled', `00-${traceId}-${parentId}-01`, true],
    ['not sampled', `00-${traceId}-${parentId}-00`, false],
    ['other flags beside', `00-${traceId}-${parentId}-03`, true],
    ['other flags alone', `00-${traceId}-${parentId}-fe`, false],
    ['a later version', `cc-${traceId}-${parentId}-01`, true],
    ['a later version with more behind', `01-${traceId}-${parentId}-01-what-the-future-brings`, true],
  ])('reads one that is %s', (_, header, sampled) => {
    expect(parseTraceparent(header)).toEqual({ traceId, parentId, sampled });
    expect(parseTraceparent([header])).toEqual({ traceId, parentId, sampled });
  });

  test.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['version ff', `ff-${traceId}-${parentId}-01`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${parentId}-01`],
    ['a parent id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['upper case', `00-${traceId.toUpperCase()}-${parentId}-01`],
    ['more behind in version 00', `00-${traceId}-${parentId}-01-more`],
    ['a dash behind in version 00', `00-${traceId}-${parentId}-01-`],
    ['more behind a later version without a dash', `01-${traceId}-${parentId}-01more`],
    ['a short trace id', `00-${traceId.slice(1)}-${parentId}-01`],
    ['a letter that is no hex digit', `00-${traceId.slice(1)}g-${parentId}-01`],
    ['one digit of flags', `00-${traceId}-${parentId}-1`],
    ['white space around', ` 00-${traceId}-${parentId}-01`],
    ['a line feed behind', `00-${traceId}-${parentId}-01\n`],
    ['two headers', [`00-${traceId}-${parentId}-01`, `00-${traceId}-${parentId}-01`]],
    ['two headers joined', `00-${traceId}-${parentId}-01, 00-${traceId}-${parentId}-01`],
    ['a long header', `01-${traceId}-${parentId}-01-${'x'.repeat(10_000)}`],
  ])('refuses %s', (_, header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });

  test('any text gives undefined or ids that are in it', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('0', 'f', 'F', '-', '00', 'ff', traceId, parentId, '\r\n'))
        .map((parts) => parts.join('')),
      fc.tuple(fc.nat(60), fc.string()).map(([at, text]) => {
        const header = `00-${traceId}-${parentId}-01`;
        return header.slice(0, at) + text + header.slice(at + text.length);
      }),
    );
    fc.assert(
      fc.property(hostile, (header) => {
        const parsed = parseTraceparent(header);
        if (!parsed) return;
        expect(parsed.traceId).toMatch(/^(?!0+$)[0-9a-f]{32}$/);
        expect(parsed.parentId).toMatch(/^(?!0+$)[0-9a-f]{16}$/);
        expect(header).toContain(`-${parsed.traceId}-${parsed.parentId}-`);
      }),
      { numRuns: 1000 },
    );
  });
});

test('what is formatted is read back', () => {
  fc.assert(
    fc.property(bytes(15), bytes(8), fc.boolean(), (trace, span, sampled) => {
      const ownTrace = `${Buffer.from(trace).toString('hex')}0f`;
      const made = { traceId: ownTrace, parentId: newSpanId(span), sampled };
      expect(parseTraceparent(formatTraceparent(made))).toEqual(made);
    }),
  );
});

test('an id is never zeros, and never made of too few bytes', () => {
  expect(newSpanId(new Uint8Array(8))).toBe(`${'0'.repeat(15)}1`);
  expect(() => newSpanId(new Uint8Array(7))).toThrow(RangeError);
});
