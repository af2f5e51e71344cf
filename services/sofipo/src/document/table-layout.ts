import { formatMinor, parseMinor } from '@quinta/platform/kernel';
import type { Cell, Column } from './report.ts';
import { winAnsi } from './win-ansi.ts';
import { cellText } from './words.ts';

export interface Table {
  readonly head: readonly Column[];
  readonly rows: readonly Readonly<Record<string, Cell>>[];
  /** What is said instead of a table without rows. */
  readonly empty?: string;
}

/** A table as texts, and how wide each column would like to be when letters are one point high. */
export interface TextTable {
  readonly labels: readonly string[];
  readonly isRight: readonly boolean[];
  readonly rows: readonly (readonly string[])[];
  /** The last line, where a column is summed. */
  readonly sums: readonly string[] | undefined;
  readonly wishes: readonly Wish[];
}

interface Wish {
  /** Without breaking a line. */
  readonly whole: number;
  /** The least that is taken. */
  readonly least: number;
}

interface Measures {
  readonly plain: (text: string) => number;
  readonly bold: (text: string) => number;
}

/** A column of words is not made wider than this for one long text. */
const wordsWidthMax = 22;
/** Of a column, left and right together, in points. */
export const padding = 8;
const sizeMax = 8;
/** Smaller letters than these lie down: the page is turned. */
export const sizeUprightMin = 7;

export function textTable({ head, rows }: Table, measures: Measures): TextTable {
  const labels = head.map(({ label }) => winAnsi(label));
  const isRight = head.map(({ kind }) => kind === 'amount' || kind === 'count' || kind === 'rate');
  const texts = rows.map((row) => head.map(({ name, kind }) => winAnsi(cellText(kind, row[name] ?? null))));
  const sums = head.some(({ isSummed }) => isSummed === true) && rows.length > 0 ? sumsOf(head, rows) : undefined;
  const wishes = head.map(({ kind }, place): Wish => {
    const words = (labels[place] ?? '').split(' ');
    const label = Math.max(...words.map(measures.bold));
    const cells = Math.max(...texts.map((row) => measures.plain(row[place] ?? '')), 0);
    const sum = measures.bold(sums?.[place] ?? '');
    const whole = Math.max(label, cells, sum);
    return { whole, least: kind === 'text' ? Math.max(label, Math.min(cells, wordsWidthMax)) : whole };
  });
  return { labels, isRight, rows: texts, sums, wishes };
}

/**
 * The size of letters and the widths of columns at which a table is as wide as the page. Figures are never broken or cut:
 * letters become as small as it takes.
 */
export function fitTable(
  { wishes }: Pick<TextTable, 'wishes'>,
  width: number,
): { readonly size: number; readonly widths: readonly number[] } {
  const room = width - wishes.length * padding;
  const size = Math.min(sizeMax, room / total(wishes.map(({ least }) => least)));
  const taken = wishes.map(({ least }) => least * size);
  const lacking = wishes.map(({ whole, least }) => (whole - least) * size);
  const left = room - total(taken);
  const lack = total(lacking);
  // What is left goes to texts that would break, then to everybody.
  const share = lack > 0 ? Math.min(1, left / lack) : 0;
  const even = (left - share * lack) / wishes.length;
  const widths = taken.map((points, place) => points + share * (lacking[place] ?? 0) + even + padding);
  return { size, widths };
}

function sumsOf(head: readonly Column[], rows: Table['rows']): readonly string[] {
  const sums = head.map(({ name, kind, isSummed }) => {
    if (isSummed !== true) return '';
    const sum = rows.reduce((all, row) => all + minorOf(row[name] ?? null), 0n);
    return cellText(kind, formatMinor(sum));
  });
  return sums.map((text, place) => (place === 0 && text === '' ? 'Total' : text));
}

function minorOf(cell: Cell): bigint {
  const minor = parseMinor(cell ?? 0);
  if (typeof minor === 'bigint') return minor;
  throw new Error(`"${cell}" is summed and is no amount`);
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
