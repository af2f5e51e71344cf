/** A table of texts; the first column is a name, the others are figures. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** As Markdown, its columns padded, so that it also reads well in a terminal. */
export function tableText({ head, rows }: Table): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => padded(cells[column] ?? '', width, column)).join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

function padded(cell: string, width: number, column: number): string {
  const text = cell.replaceAll('|', String.raw`\|`);
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}
