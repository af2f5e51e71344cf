/** When a document is made, and in which time zone its reader lives. */
export interface Stamp {
  readonly at: Date;
  readonly timeZone: string;
}

export interface Style {
  /** Points. */
  readonly size: number;
  readonly isBold?: boolean;
  readonly color?: string;
}

type Element = PDFKit.PDFStructureElement;

/** A document while it is drawn from the top to the bottom; lengths are points. */
export interface Sheet {
  readonly pdf: PDFKit.PDFDocument;
  /** Of the structure that a screen reader follows. */
  readonly root: Element;
  readonly width: number;
  /** Widths that were measured, for letters of one point. */
  readonly known: Map<string, number>;
  /** Where the next thing goes, from the upper edge of the page. */
  y: number;
}

const paper = 'LETTER';
const marginOf = { sides: 48, top: 48, bottom: 54 } as const;
/** Widths of what may be drawn on. */
export const drawnWidths = { portrait: 612 - 2 * marginOf.sides, landscape: 792 - 2 * marginOf.sides } as const;
export const lineHeight = 1.25;
export const grey = '#5a5a5a';
const hair = '#b0b0b0';

/** An empty document in tagged PDF 1.7. The same stamp gives the same bytes: its id comes from what is told here. */
export async function openSheet(title: string, stamp: Stamp, isLandscape: boolean): Promise<Sheet> {
  // Loaded with the first document: it would make every start longer.
  const { default: PDFDocument } = await import('pdfkit');
  const pdf = new PDFDocument({
    size: paper,
    layout: isLandscape ? 'landscape' : 'portrait',
    margins: { left: marginOf.sides, right: marginOf.sides, top: marginOf.top, bottom: marginOf.bottom },
    pdfVersion: '1.7',
    tagged: true,
    lang: 'es-MX',
    displayTitle: true,
    bufferPages: true,
    info: { Title: title, Author: 'SOFIPO', Creator: 'Quinta', CreationDate: stamp.at, ModDate: stamp.at },
  });
  const root = pdf.struct('Document');
  pdf.addStructure(root);
  const width = isLandscape ? drawnWidths.landscape : drawnWidths.portrait;
  return { pdf, root, width, known: new Map(), y: marginOf.top };
}

/** Measures texts of a style as they will be drawn. */
export function measureOf({ pdf, known }: Pick<Sheet, 'pdf' | 'known'>, style: Style): (text: string) => number {
  const name = fontOf(style);
  return (text) => {
    // Digits are as wide as each other and have no kerning, so of texts that differ in digits alone one is measured.
    const shape = text.replaceAll(/\d/g, '0');
    const key = `${name} ${shape}`;
    const width = known.get(key) ?? pdf.font(name).fontSize(1).widthOfString(shape);
    known.set(key, width);
    return width * style.size;
  };
}

/** Whether so much still fits on the page. */
export function hasRoom({ pdf, y }: Sheet, height: number): boolean {
  return y + height <= pdf.page.height - marginOf.bottom;
}

/** Goes on a new page where the height does not fit on this one. Says whether it did. */
export function makeRoom(sheet: Sheet, height: number): boolean {
  if (hasRoom(sheet, height) || sheet.y === marginOf.top) return false;
  sheet.pdf.addPage();
  sheet.y = marginOf.top;
  return true;
}

/** Adds an element to the structure; what is drawn by `draw`, within this page, is what it says. */
export function addElement(
  { pdf }: Sheet,
  parent: Element,
  element: { readonly tag: string; readonly scope?: 'Column' | 'Row'; readonly draw?: () => void },
): Element {
  const { tag, scope, draw } = element;
  // The types of pdfkit do not know `scope` yet.
  const options: Record<string, string> = scope === undefined ? {} : { scope };
  const added = draw === undefined ? pdf.struct(tag, options) : pdf.struct(tag, options, draw);
  parent.add(added);
  return added;
}

/** Draws what a screen reader passes over: rules, repeated heads, page numbers. */
export function drawArtifact({ pdf }: Sheet, type: 'Layout' | 'Pagination', draw: () => void): void {
  pdf.markContent('Artifact', { type });
  draw();
  pdf.endMarkedContent();
}

/** Draws a line of text; `x` counts from the margin. */
export function drawText({ pdf }: Sheet, text: string, place: { x: number; y: number; style: Style }): void {
  const { x, y, style } = place;
  if (text === '') return;
  if (style.color !== undefined) pdf.fillColor(style.color);
  pdf
    .font(fontOf(style))
    .fontSize(style.size)
    .text(text, marginOf.sides + x, y, { lineBreak: false });
  if (style.color !== undefined) pdf.fillColor('black');
}

/** A thin rule over the whole width. */
export function drawRule(sheet: Sheet, y: number, color: string = hair): void {
  drawArtifact(sheet, 'Layout', () => {
    const left = marginOf.sides;
    sheet.pdf
      .moveTo(left, y)
      .lineTo(left + sheet.width, y)
      .lineWidth(0.5)
      .stroke(color);
  });
}

/** Puts a line and `1 / 3` at the foot of every page. */
export function numberPages(sheet: Sheet, line: string): void {
  const { start, count } = sheet.pdf.bufferedPageRange();
  const style: Style = { size: 7, color: grey };
  for (let page = 0; page < count; page++) {
    sheet.pdf.switchToPage(start + page);
    const y = sheet.pdf.page.height - marginOf.bottom + 20;
    const number = `${page + 1} / ${count}`;
    const x = sheet.width - measureOf(sheet, style)(number);
    drawArtifact(sheet, 'Pagination', () => {
      drawText(sheet, line, { x: 0, y, style });
      drawText(sheet, number, { x, y, style });
    });
  }
}

function fontOf({ isBold = false }: Style): string {
  return isBold ? 'Helvetica-Bold' : 'Helvetica';
}
