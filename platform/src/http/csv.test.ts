import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvLine } from './csv.ts';

/** Reads one line of RFC 4180 back, independently of what wrote it. */
function cellsOf(line: string): string[] {
  const cells: string[] = [];
  let rest = line.slice(0, -2);
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(?=,|$)/.exec(rest);
    const cell = quoted?.[0] ?? /^[^",\r\n]*/.exec(rest)?.[0] ?? '';
    cells.push(quoted ? (quoted[1] ?? '').replaceAll('""', '"') : cell);
    rest = rest.slice(cell.length);
    if (rest === '') return cells;
    if (!rest.startsWith(',')) throw new Error(`no cell ends before ${JSON.stringify(rest)}`);
    rest = rest.slice(1);
  }
}

describe('a line of CSV', () => {
  it.each<[unknown[], string]>([
    [['a', 'b'], 'a,b\r\n'],
    [[], '\r\n'],
    [[null, undefined, ''], ',,\r\n'],
    [[1, -2.5, 3n, true], '1,-2.5,3,true\r\n'],
    [['a,b', 'say "x"', 'two\nlines', 'cr\r'], '"a,b","say ""x""","two\nlines","cr\r"\r\n'],
    [['=1+1', '+1+1', '-1+1', '@SUM(A1)', '\t=1'], "'=1+1,'+1+1,'-1+1,'@SUM(A1),'\t=1\r\n"],
    [['=HYPERLINK("x","y")'], `"'=HYPERLINK(""x"",""y"")"\r\n`],
    [['-12.50', '-3'], '-12.50,-3\r\n'],
    [['-1-cmd', '+52 55 1234'], "'-1-cmd,'+52 55 1234\r\n"],
    [[{ a: 1 }, ['=x']], '"{""a"":1}","[""=x""]"\r\n'],
  ])('is right in case %#', (cells, line) => {
    expect(csvLine(cells)).toBe(line);
  });

  it('gives back every text, but for the quote that keeps a spreadsheet from running it', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (texts) => {
        const read = cellsOf(csvLine(texts));
        expect(read.map((text, place) => (text === texts[place] ? text : text.replace(/^'/, '')))).toEqual(texts);
      }),
    );
  });

  it('never starts a cell with what a spreadsheet runs', () => {
    const start = fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n=', ' =');
    fc.assert(
      fc.property(fc.tuple(start, fc.string()), ([sign, rest]) => {
        const [cell = ''] = cellsOf(csvLine([`${sign}${rest}`]));
        expect(/^[=+\-@\t\r]/.test(cell) && !/^-?\d+(\.\d+)?$/.test(cell)).toBe(false);
      }),
    );
  });
});
