import { csvLine } from '@quinta/platform/http';
import type { Cell, Column } from './report.ts';

const rowsAtOnce = 200;

/**
 * A table as CSV of RFC 4180, with a line of names: cells are as in JSON, but for texts that a spreadsheet would run.
 * Rows are taken as they are asked for, so there may be any number of them.
 */
export async function* csvOf<Name extends string>(
  head: readonly Pick<Column<Name>, 'name'>[],
  rows: Iterable<Readonly<Record<NoInfer<Name>, Cell>>> | AsyncIterable<Readonly<Record<NoInfer<Name>, Cell>>>,
): AsyncGenerator<string> {
  const names = head.map(({ name }) => name);
  let lines = [csvLine(names)];
  for await (const row of rows) {
    lines.push(csvLine(names.map((name) => row[name])));
    if (lines.length < rowsAtOnce) continue;
    yield lines.join('');
    lines = [];
  }
  if (lines.length > 0) yield lines.join('');
}
