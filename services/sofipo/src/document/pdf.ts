import { setImmediate } from 'node:timers/promises';
import type { Fact } from './report.ts';
import { drawFacts, heightOfFacts } from './draw-facts.ts';
import { drawTable } from './draw-table.ts';
import {
  addElement,
  drawnWidths,
  drawRule,
  drawText,
  grey,
  lineHeight,
  makeRoom,
  measureOf,
  numberPages,
  openSheet,
  type Sheet,
  type Stamp,
  type Style,
} from './sheet.ts';
import { fitTable, sizeUprightMin, type Table, textTable, type TextTable } from './table-layout.ts';
import { winAnsi } from './win-ansi.ts';
import { instantText } from './words.ts';
import { wrapText } from './wrap-text.ts';

export type { Stamp } from './sheet.ts';

/** A part of a document, from the top to the bottom. A heading stays with what follows it. */
export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'facts'; readonly facts: readonly Fact[] }
  | ({ readonly kind: 'table' } & Table)
  | { readonly kind: 'note'; readonly text: string };

export interface PdfDocument {
  readonly title: string;
  readonly blocks: readonly Block[];
}

const titleStyle: Style = { size: 16, isBold: true };
const headingStyle: Style = { size: 11, isBold: true };
const noteStyle: Style = { size: 8, color: grey };
/** A head of a table, and a row or two. */
const tableBeginning = 50;
/** How many blocks are drawn before others are let in. */
const blocksAtOnce = 20;

/**
 * A document as PDF: Letter, upright unless a table is too wide for that, in Helvetica and tagged for screen readers. The
 * same document and stamp make the same bytes. Nothing is drawn before somebody reads.
 */
export async function* pdfOf(document: PdfDocument, stamp: Stamp): AsyncGenerator<Uint8Array> {
  const title = winAnsi(document.title);
  const tables = await textTables(document, stamp);
  const isLandscape = [...tables.values()].some((table) => fitTable(table, drawnWidths.portrait).size < sizeUprightMin);
  const sheet = await openSheet(title, stamp, isLandscape);
  drawTitle(sheet, title, stamp);
  for (const [place, block] of document.blocks.entries()) {
    if (place % blocksAtOnce === blocksAtOnce - 1) await setImmediate();
    const table = tables.get(block);
    if (table !== undefined && table.rows.length > 0) await drawTable(sheet, table);
    else drawBlock(sheet, block, document.blocks[place + 1]);
  }
  numberPages(sheet, `SOFIPO · ${title}`);
  sheet.root.end();
  sheet.pdf.end();
  for await (const chunk of sheet.pdf) yield chunk as Uint8Array;
}

/** The texts of all tables. They are measured in a document of their own, before it is known how pages lie. */
async function textTables({ blocks, title }: PdfDocument, stamp: Stamp): Promise<ReadonlyMap<Block, TextTable>> {
  const ruler = await openSheet(title, stamp, false);
  const measures = { plain: measureOf(ruler, { size: 1 }), bold: measureOf(ruler, { size: 1, isBold: true }) };
  return new Map(blocks.flatMap((block) => (block.kind === 'table' ? [[block, textTable(block, measures)]] : [])));
}

function drawTitle(sheet: Sheet, title: string, { at, timeZone }: Stamp): void {
  const style: Style = { size: 9, color: grey };
  const issued = `Emitido el ${instantText(at, timeZone)}`;
  const x = sheet.width - measureOf(sheet, style)(issued);
  const { y } = sheet;
  addElement(sheet, sheet.root, {
    tag: 'P',
    draw: () => {
      drawText(sheet, 'SOFIPO', { x: 0, y, style: { ...style, isBold: true } });
      drawText(sheet, issued, { x, y, style });
    },
  }).end();
  sheet.y += 18;
  drawLines(sheet, title, { tag: 'H1', style: titleStyle });
  drawRule(sheet, sheet.y);
  sheet.y += 10;
}

function drawBlock(sheet: Sheet, block: Block, next: Block | undefined): void {
  if (block.kind === 'facts') {
    drawFacts(sheet, block.facts);
  } else if (block.kind === 'heading') {
    makeRoom(sheet, 30 + beginningOf(sheet, next));
    sheet.y += 4;
    drawLines(sheet, winAnsi(block.text), { tag: 'H2', style: headingStyle });
  } else {
    const text = block.kind === 'note' ? block.text : (block.empty ?? 'Sin registros.');
    drawLines(sheet, winAnsi(text), { tag: 'P', style: noteStyle });
    sheet.y += 4;
  }
}

/** How much of what follows a heading has to stand on its page. */
function beginningOf(sheet: Sheet, block: Block | undefined): number {
  return block?.kind === 'facts' ? heightOfFacts(sheet, block.facts) : tableBeginning;
}

/** A paragraph over the whole width, kept on one page. */
function drawLines(sheet: Sheet, text: string, { tag, style }: { tag: string; style: Style }): void {
  const lines = wrapText(text, sheet.width, measureOf(sheet, style));
  const step = style.size * lineHeight;
  makeRoom(sheet, lines.length * step);
  const { y } = sheet;
  const draw = (): void => {
    for (const [number, line] of lines.entries()) drawText(sheet, line, { x: 0, y: y + number * step, style });
  };
  addElement(sheet, sheet.root, { tag, draw }).end();
  sheet.y += lines.length * step + 4;
}
