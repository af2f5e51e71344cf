import { setImmediate } from 'node:timers/promises';
import {
  addElement,
  drawArtifact,
  drawRule,
  drawText,
  hasRoom,
  lineHeight,
  makeRoom,
  measureOf,
  type Sheet,
  type Style,
} from './sheet.ts';
import { fitTable, padding, type TextTable } from './table-layout.ts';
import { wrapText } from './wrap-text.ts';

/** A table that is being drawn: its grid, and its head for every page it goes on. */
interface Grid {
  readonly widths: readonly number[];
  readonly isRight: readonly boolean[];
  readonly plain: Style;
  readonly bold: Style;
}

interface Line {
  readonly cells: readonly (readonly string[])[];
  readonly height: number;
  readonly style: Style;
}

const rowsAtOnce = 50;

/** Draws a table, its head again on every page. Others are let in between rows: a long table is no one's wait. */
export async function drawTable(sheet: Sheet, table: TextTable): Promise<void> {
  const { size, widths } = fitTable(table, sheet.width);
  const grid: Grid = { widths, isRight: table.isRight, plain: { size }, bold: { size, isBold: true } };
  const head = lineOf(sheet, grid, { texts: table.labels, style: grid.bold });
  const first =
    table.rows[0] === undefined ? 0 : lineOf(sheet, grid, { texts: table.rows[0], style: grid.plain }).height;
  makeRoom(sheet, head.height + first);
  const element = addElement(sheet, sheet.root, { tag: 'Table' });
  const addLine = (line: Line, scope?: 'Column' | 'Row'): void => {
    const row = addElement(sheet, element, { tag: 'TR' });
    drawLine(sheet, grid, line, (place, draw) => {
      const isHead = scope === 'Column' || (scope === 'Row' && place === 0);
      addElement(sheet, row, isHead && scope !== undefined ? { tag: 'TH', scope, draw } : { tag: 'TD', draw });
    });
    row.end();
  };
  addLine(head, 'Column');
  for (const [place, texts] of table.rows.entries()) {
    if (place % rowsAtOnce === rowsAtOnce - 1) await setImmediate();
    const line = lineOf(sheet, grid, { texts, style: grid.plain });
    turnPage(sheet, grid, { head, height: line.height });
    addLine(line);
  }
  if (table.sums !== undefined) {
    const sums = lineOf(sheet, grid, { texts: table.sums, style: grid.bold });
    turnPage(sheet, grid, { head, height: sums.height });
    addLine(sums, 'Row');
  }
  element.end();
  sheet.y += 8;
}

/** The head again on a new page, where a line does not fit on this one. It was said once, so it is an artifact. */
function turnPage(sheet: Sheet, grid: Grid, { head, height }: { head: Line; height: number }): void {
  if (hasRoom(sheet, height)) return;
  makeRoom(sheet, height);
  drawLine(sheet, grid, head, (_place, draw) => drawArtifact(sheet, 'Pagination', draw));
}

function lineOf(sheet: Sheet, { widths }: Grid, { texts, style }: { texts: readonly string[]; style: Style }): Line {
  const measure = measureOf(sheet, style);
  const cells = texts.map((text, place) => wrapText(text, (widths[place] ?? 0) - padding + 0.01, measure));
  const linesMost = Math.max(...cells.map(({ length }) => length));
  return { cells, height: linesMost * style.size * lineHeight + 4, style };
}

function drawLine(
  sheet: Sheet,
  { widths, isRight }: Grid,
  { cells, height, style }: Line,
  show: (place: number, draw: () => void) => void,
): void {
  const measure = measureOf(sheet, style);
  let left = 0;
  for (const [place, lines] of cells.entries()) {
    const width = widths[place] ?? 0;
    const from = left + padding / 2;
    show(place, () => {
      for (const [number, text] of lines.entries()) {
        const x = isRight[place] ? from + width - padding - measure(text) : from;
        drawText(sheet, text, { x, y: sheet.y + 3 + number * style.size * lineHeight, style });
      }
    });
    left += width;
  }
  sheet.y += height;
  drawRule(sheet, sheet.y, style.isBold ? '#5a5a5a' : undefined);
}
