import type { Fact } from './report.ts';
import { addElement, drawText, grey, lineHeight, makeRoom, measureOf, type Sheet, type Style } from './sheet.ts';
import { winAnsi } from './win-ansi.ts';
import { wrapText } from './wrap-text.ts';

const labelStyle: Style = { size: 8, color: grey };
const valueStyle: Style = { size: 8.5 };
const gap = 14;

/** A pair of facts that stand side by side, already broken into lines. */
interface Band {
  readonly facts: readonly { readonly label: readonly string[]; readonly value: readonly string[] }[];
  readonly height: number;
}

/** Facts as labels with values, two abreast. To a screen reader they are a list. */
export function drawFacts(sheet: Sheet, facts: readonly Fact[]): void {
  if (facts.length === 0) return;
  const { columnWidth, labelWidth } = columnsOf(sheet, facts);
  const list = addElement(sheet, sheet.root, { tag: 'L' });
  for (const { facts: pair, height } of bandsOf(sheet, facts)) {
    makeRoom(sheet, height);
    const { y } = sheet;
    for (const [place, { label, value }] of pair.entries()) {
      const x = place * (columnWidth + gap);
      const item = addElement(sheet, list, { tag: 'LI' });
      const lines = (texts: readonly string[], from: number, style: Style) => (): void => {
        for (const [number, text] of texts.entries())
          drawText(sheet, text, { x: from, y: y + number * valueStyle.size * lineHeight, style });
      };
      addElement(sheet, item, { tag: 'Lbl', draw: lines(label, x, labelStyle) });
      addElement(sheet, item, { tag: 'LBody', draw: lines(value, x + labelWidth, valueStyle) });
    }
    sheet.y += height;
  }
  list.end();
  sheet.y += 8;
}

export function heightOfFacts(sheet: Sheet, facts: readonly Fact[]): number {
  return bandsOf(sheet, facts).reduce((sum, { height }) => sum + height, 0);
}

function bandsOf(sheet: Sheet, facts: readonly Fact[]): readonly Band[] {
  const { columnWidth, labelWidth } = columnsOf(sheet, facts);
  const broken = facts.map(({ label, value }) => ({
    label: wrapText(winAnsi(label), labelWidth - gap / 2, measureOf(sheet, labelStyle)),
    value: wrapText(winAnsi(value), columnWidth - labelWidth, measureOf(sheet, valueStyle)),
  }));
  const pairs = broken.flatMap((fact, place) =>
    place % 2 === 0 ? [[fact, ...broken.slice(place + 1, place + 2)]] : [],
  );
  return pairs.map((pair) => {
    const lines = Math.max(...pair.map(({ label, value }) => Math.max(label.length, value.length)));
    return { facts: pair, height: lines * valueStyle.size * lineHeight + 3 };
  });
}

/** Labels are as wide as the widest of them, but half a column at most. */
function columnsOf(sheet: Sheet, facts: readonly Fact[]): { columnWidth: number; labelWidth: number } {
  const columnWidth = (sheet.width - gap) / 2;
  const measure = measureOf(sheet, labelStyle);
  const widest = Math.max(...facts.map(({ label }) => measure(winAnsi(label))));
  return { columnWidth, labelWidth: Math.min(widest + gap / 2, columnWidth / 2) };
}
