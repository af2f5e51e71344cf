import { expect, it } from 'vitest';
import { tableText } from './table.ts';

it('lays a table out as Markdown that also reads in a terminal', () => {
  const text = tableText({
    head: ['what', 'a second'],
    rows: [
      ['MEXA', '12,345'],
      ['pgbench, four', '9'],
    ],
  });
  expect(text.split('\n')).toEqual([
    '| what          | a second |',
    '| ------------- | -------: |',
    '| MEXA          |   12,345 |',
    '| pgbench, four |        9 |',
  ]);
});

it('keeps a bar in a cell from ending the cell, and a short row in shape', () => {
  expect(
    tableText({ head: ['a', 'b'], rows: [['x|y']] })
      .split('\n')
      .at(-1),
  ).toBe(String.raw`| x\|y |     |`);
});
