import { getDocumentProxy } from 'unpdf';

/** A PDF as a screen reader takes it, read by another library than wrote it. */
export interface ReadPdf {
  readonly title: unknown;
  readonly createdAt: unknown;
  readonly language: unknown;
  readonly isTagged: boolean;
  readonly pages: readonly ReadPage[];
  /** The rows of all tables, the head once. */
  readonly rows: readonly (readonly string[])[];
  /** Label and value of every fact. */
  readonly facts: readonly (readonly [string, string])[];
  /** Headings and paragraphs. */
  readonly paragraphs: readonly string[];
}

export interface ReadPage {
  readonly width: number;
  readonly height: number;
  /** What a screen reader passes over. */
  readonly artifacts: readonly string[];
  /** Where text begins and ends, from the left edge of the page, and how far it is from the lower one. */
  readonly spans: readonly { readonly from: number; readonly to: number; readonly y: number; readonly text: string }[];
}

/** A node of the structure: an element, or the mark of a text on the page. */
interface Node {
  readonly role?: string;
  readonly id?: string;
  readonly children?: readonly Node[];
}

export async function readPdf(bytes: Uint8Array): Promise<ReadPdf> {
  const pdf = await getDocumentProxy(new Uint8Array(bytes));
  const info = new Map(Object.entries((await pdf.getMetadata()).info));
  const pages: ReadPage[] = [];
  const rows: string[][] = [];
  const facts: [string, string][] = [];
  const paragraphs: string[] = [];
  for (let number = 1; number <= pdf.numPages; number++) {
    const page = await pdf.getPage(number);
    const { texts, artifacts, spans } = textsOf((await page.getTextContent({ includeMarkedContent: true })).items);
    const tree = (await page.getStructTree()) as Node;
    const textOf = (node: Node): string =>
      node.id === undefined ? (node.children ?? []).map(textOf).join(' ') : (texts.get(node.id) ?? '');
    // The tree of a page names elements of the others too, without what they say.
    const isHere = (node: Node): boolean => textOf(node).trim() !== '';
    rows.push(
      ...withRole(tree, 'TR')
        .filter(isHere)
        .map(({ children = [] }) => children.map(textOf)),
    );
    for (const { children = [] } of withRole(tree, 'LI').filter(isHere)) {
      const [label = '', value = ''] = children.map(textOf);
      facts.push([label, value]);
    }
    paragraphs.push(
      ...['H1', 'H2', 'P']
        .flatMap((role) => withRole(tree, role))
        .filter(isHere)
        .map(textOf),
    );
    const [, , width = 0, height = 0] = page.view;
    pages.push({ width, height, artifacts, spans });
  }
  const marks = (await pdf.getMarkInfo()) as { Marked?: boolean } | null;
  return {
    title: info.get('Title'),
    createdAt: info.get('CreationDate'),
    language: info.get('Language'),
    isTagged: marks?.Marked === true,
    pages,
    rows,
    facts,
    paragraphs,
  };
}

interface Item {
  readonly type?: string;
  readonly tag?: string;
  readonly id?: string | null;
  readonly str?: string;
  readonly width?: number;
  readonly transform?: readonly number[];
}

/** Texts by the mark that they stand in; lines of one mark are joined by a space. */
function textsOf(items: readonly unknown[]): {
  texts: Map<string, string>;
  artifacts: string[];
  spans: ReadPage['spans'];
} {
  const texts = new Map<string, string>();
  const artifacts: string[] = [];
  const spans: { from: number; to: number; y: number; text: string }[] = [];
  let parts: string[] = [];
  let mark = '';
  for (const { type, id, str = '', width = 0, transform = [] } of items as readonly Item[]) {
    if (type === 'beginMarkedContentProps' || type === 'beginMarkedContent') [mark, parts] = [id ?? '', []];
    else if (type === 'endMarkedContent') {
      const text = parts.join(' ');
      if (mark !== '') texts.set(mark, text);
      else if (text !== '') artifacts.push(text);
    } else if (str.trim() !== '') {
      const [from = 0, y = 0] = transform.slice(4);
      parts.push(str);
      spans.push({ from, to: from + width, y, text: str });
    }
  }
  return { texts, artifacts, spans };
}

function withRole(node: Node, role: string): readonly Node[] {
  return node.role === role ? [node] : (node.children ?? []).flatMap((child) => withRole(child, role));
}

/** The bytes of a stream. */
export async function bytesOf(stream: AsyncIterable<string | Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part as Uint8Array));
  return Buffer.concat(parts);
}
