import { expect, test } from 'vitest';
import { csvOf } from './csv.ts';

const head = [{ name: 'name' }, { name: 'amount' }, { name: 'days' }] as const;

async function textOf(stream: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const part of stream) text += part;
  return text;
}

test('a table has a line of names, and texts that no spreadsheet runs', async () => {
  const rows = [
    { name: 'Peña, "Pepe"', amount: '-12.50', days: 3, more: 'is left out' },
    { name: '=cmd|"/C calc"!A0', amount: null, days: 0 },
    { name: 'a\nb', amount: '0.00', days: -1 },
  ];
  expect(await textOf(csvOf(head, rows))).toBe(
    'name,amount,days\r\n"Peña, ""Pepe""",-12.50,3\r\n"\'=cmd|""/C calc""!A0",,0\r\n"a\nb",0.00,-1\r\n',
  );
  expect(await textOf(csvOf(head, []))).toBe('name,amount,days\r\n');
});

test('rows are taken while they are read, none is lost between parts', async () => {
  let given = 0;
  async function* rowsOf(count: number): AsyncGenerator<{ name: string; amount: string; days: number }> {
    for (let days = 0; days < count; days++) {
      given += 1;
      yield { name: 'x', amount: '1.00', days };
    }
  }
  const stream = csvOf(head, rowsOf(1_000));
  const first = await stream.next();
  expect(given).toBeLessThan(300);
  const lines = `${String(first.value)}${await textOf(stream)}`.split('\r\n').slice(1, -1);
  expect(lines.map((line) => Number(line.split(',')[2]))).toEqual(Array.from({ length: 1_000 }, (_, days) => days));
});
