import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cellText, instantText, pesosText } from './words.ts';
import { winAnsi } from './win-ansi.ts';
import { wrapText } from './wrap-text.ts';

describe('a cell', () => {
  test.each([
    ['amount', '0.00', '0.00'],
    ['amount', '999.99', '999.99'],
    ['amount', '1000.00', '1,000.00'],
    ['amount', '9999999999999.99', '9,999,999,999,999.99'],
    ['amount', '-1234567.80', '-1,234,567.80'],
    ['count', 1_200, '1,200'],
    ['count', 0, '0'],
    ['date', '2026-01-31', '31/01/2026'],
    ['date', 'pendiente', 'pendiente'],
    ['rate', '0.1500', '15.00 %'],
    ['rate', '0', '0.00 %'],
    ['rate', '1', '100.00 %'],
    ['rate', '0.15375', '15.375 %'],
    ['rate', '0.0005', '0.05 %'],
    ['text', '1000.00', '1000.00'],
    ['text', null, ''],
  ] as const)('of the kind %s: %j is %j', (kind, cell, text) => {
    expect(cellText(kind, cell)).toBe(text);
  });
});

test('pesos have their currency', () => {
  expect(pesosText('50000.00')).toBe('50,000.00 MXN');
});

test.each([
  ['2026-02-01T05:59:59Z', 'America/Mexico_City', '31 de enero de 2026, 23:59'],
  ['2026-02-01T06:00:00Z', 'America/Mexico_City', '1 de febrero de 2026, 00:00'],
  ['2026-12-31T23:00:00Z', 'UTC', '31 de diciembre de 2026, 23:00'],
])('%s in %s is %s', (instant, zone, text) => {
  expect(instantText(new Date(instant), zone)).toBe(text);
});

test('any text becomes one line of letters that the fonts have', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(winAnsi(text)).toMatch(/^[ -~¡-ÿ€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]*$/);
    }),
  );
  expect(winAnsi('a'.repeat(5_000))).toBe(`${'a'.repeat(1_999)}…`);
});

describe('a text in lines', () => {
  const measure = (text: string): number => text.length;

  test.each([
    ['uno dos tres', 20, ['uno dos tres']],
    ['uno dos tres', 7, ['uno dos', 'tres']],
    ['unodostres', 4, ['unod', 'ostr', 'es']],
    ['a unodostres b', 4, ['a', 'unod', 'ostr', 'es b']],
    ['', 4, ['']],
    ['abc', 0, ['a', 'b', 'c']],
  ])('%j in a width of %d', (text, width, lines) => {
    expect(wrapText(text, width, measure)).toEqual(lines);
  });

  test('says so where it is cut', () => {
    const lines = wrapText('x'.repeat(100), 5, measure);
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toBe('xxxx…');
  });

  test('loses nothing and is never wider than it may be', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 9 }), {
      maxLength: 9,
    });
    fc.assert(
      fc.property(words, fc.integer({ min: 8, max: 30 }), (parts, width) => {
        const lines = wrapText(parts.join(' '), width, measure);
        expect(lines.join('').replaceAll(' ', '')).toBe(parts.join(''));
        expect(Math.max(...lines.map(measure))).toBeLessThanOrEqual(width);
      }),
    );
  });
});
