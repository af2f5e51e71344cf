import { commitmentsOf, leafHashOf, type RowText, rowTextFields } from '../../platform/src/audit/leaf.ts';
import { auditSigner } from '../../platform/src/audit/signing.ts';

const strangerKey = auditSigner('quinta-audit-test', 'a key that nobody has ever confirmed').verifierKey;

/** Ways to forge a bundle, each from whole numbers that say where. */

export interface BundleLine {
  leaf?: number;
  hash?: string;
  row?: Record<string, string | null>;
  salts?: Record<string, string>;
  erased?: Record<string, string>;
  checkpoint?: string;
  [member: string]: unknown;
}

export interface Edited {
  readonly lines: readonly BundleLine[];
  /** The row that was edited, where the verifier must name it. */
  readonly auditId?: number;
  /** What the verifier calls it, where that matters. */
  readonly kind?: string;
  /** Only a checkpoint that was kept elsewhere can tell. */
  readonly needsKept?: boolean;
}

type Pick = <T>(choices: readonly T[]) => T;
type Edit = (lines: BundleLine[], pick: Pick) => Edited;

export function linesIn(bundle: string): BundleLine[] {
  return bundle
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as BundleLine);
}

export function bundleWith(lines: readonly BundleLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Chooses by numbers, one after the other. */
export function pickBy(numbers: readonly number[]): Pick {
  let next = 0;
  return (choices) => {
    const choice = choices[(numbers[next++ % numbers.length] ?? 0) % choices.length];
    if (choice === undefined) throw new Error('There is nothing to choose from');
    return choice;
  };
}

const rowsOf = (lines: readonly BundleLine[]): BundleLine[] => lines.filter(({ row }) => row !== undefined);
const erasedOf = (lines: readonly BundleLine[]): BundleLine[] => lines.filter(({ erased }) => erased !== undefined);
const notesOf = (lines: readonly BundleLine[]): BundleLine[] => lines.filter(({ checkpoint }) => checkpoint);
const sizeOf = ({ checkpoint = '' }: BundleLine): number => Number(checkpoint.split('\n')[1]);
const idOf = ({ row }: BundleLine): number => Number(row?.['id']);

/** Another character at a place. */
function flipped(text: string, place: number): string {
  return `${text.slice(0, place)}${text[place] === 'B' ? 'C' : 'B'}${text.slice(place + 1)}`;
}

function without(lines: readonly BundleLine[], ...gone: readonly BundleLine[]): BundleLine[] {
  return lines.filter((line) => !gone.includes(line));
}

/** The newest rows, as many as were chosen. */
function tailOf(lines: readonly BundleLine[], pick: Pick): BundleLine[] {
  return rowsOf(lines).slice(-pick([1, 2, 3, 5]));
}

function behind(lines: readonly BundleLine[], tail: readonly BundleLine[]): BundleLine[] {
  return notesOf(lines).filter((line) => sizeOf(line) > rowsOf(lines).length - tail.length);
}

export const bundleEdits: Readonly<Record<string, Edit>> = {
  'a changed field': (lines, pick) => {
    const line = pick(rowsOf(lines));
    const field = pick(rowTextFields.slice(1));
    line.row = { ...line.row, [field]: `${line.row?.[field] ?? ''}x` };
    return { lines, auditId: idOf(line) };
  },
  'another id': (lines, pick) => {
    const line = pick(rowsOf(lines));
    line.row = { ...line.row, id: `${idOf(line) + 1_000}` };
    return { lines };
  },
  'another leaf': (lines, pick) => {
    const line = pick(rowsOf(lines));
    line.leaf = (line.leaf ?? 0) + pick([-1, 1, 0.5, 1e300]);
    return { lines, auditId: idOf(line), kind: 'order' };
  },
  'a field more': (lines, pick) => {
    const line = pick(rowsOf(lines));
    line.row = { ...line.row, [pick(['note', '__proto__x', 'constructor', 'salt'])]: 'x' };
    return { lines, auditId: idOf(line) };
  },
  'a field less': (lines, pick) => {
    const line = pick(rowsOf(lines));
    const field = pick(rowTextFields.slice(1));
    line.row = Object.fromEntries(Object.entries(line.row ?? {}).filter(([name]) => name !== field));
    return { lines, auditId: idOf(line) };
  },
  'a removed row': (lines, pick) => {
    const line = pick(rowsOf(lines));
    line.row = { id: line.row?.['id'] ?? null };
    return { lines, auditId: idOf(line) };
  },
  'a changed salt': (lines, pick) => {
    const line = pick(rowsOf(lines));
    const part = pick(['origin', 'values']);
    line.salts = { ...line.salts, [part]: flipped(line.salts?.[part] ?? '', pick([0, 7, 20])) };
    return { lines, auditId: idOf(line) };
  },
  'a changed hash': (lines, pick) => {
    const line = pick(rowsOf(lines));
    line.hash = flipped(line.hash ?? '', pick([0, 20, 42]));
    return { lines, auditId: idOf(line) };
  },
  'a row rewritten with its hash': (lines, pick) => {
    const line = pick(rowsOf(lines).filter(({ erased }) => !erased));
    line.row = { ...line.row, action: 'delete' };
    // The lines of a bundle hold whole rows.
    const row = line.row as Record<string, string | null> & RowText;
    const salts = Buffer.concat(
      [line.salts?.['origin'], line.salts?.['values']].map((salt) => Buffer.from(salt ?? '', 'base64url')),
    );
    line.hash = leafHashOf(row, commitmentsOf(row, salts)).toString('base64');
    return { lines };
  },
  'a changed commitment': (lines, pick) => {
    const line = pick(erasedOf(lines));
    const part = pick(Object.keys(line.erased ?? {}));
    line.erased = { ...line.erased, [part]: flipped(line.erased?.[part] ?? '', pick([0, 20, 42])) };
    return { lines, auditId: idOf(line) };
  },
  'a commitment less': (lines, pick) => {
    const line = pick(erasedOf(lines));
    delete line.erased;
    return { lines, auditId: idOf(line) };
  },
  'something where all was erased': (lines, pick) => {
    const line = pick(erasedOf(lines));
    const isOrigin = line.erased?.['origin'] !== undefined;
    line.row = { ...line.row, [isOrigin ? 'user_agent' : 'details']: 'x' };
    return { lines, auditId: idOf(line) };
  },
  'a line less': (lines, pick) => ({ lines: without(lines, pick(lines.slice(1))) }),
  'a checkpoint less': (lines, pick) => ({ lines: without(lines, pick(notesOf(lines))), kind: 'checkpoint' }),
  'a line twice': (lines, pick) => {
    const place = pick([...lines.keys()].slice(1));
    const other = pick([...lines.keys()].slice(1));
    return { lines: lines.toSpliced(other, 0, ...lines.slice(place, place + 1)) };
  },
  'a row more': (lines, pick) => {
    const [rows, line] = [rowsOf(lines), pick(rowsOf(lines))];
    const added = { ...line, leaf: rows.length, row: { ...line.row, id: '999' } };
    return { lines: lines.toSpliced(1 + rows.length, 0, added) };
  },
  'two lines swapped': (lines, pick) => {
    const kind = pick([rowsOf(lines), notesOf(lines)]);
    const one = pick(kind);
    const other = pick(without(kind, one));
    return { lines: lines.map((line) => (line === one ? other : line === other ? one : line)) };
  },
  'a tail less': (lines, pick) => ({ lines: without(lines, ...tailOf(lines, pick)) }),
  'a tail less, with its checkpoints': (lines, pick) => {
    const tail = tailOf(lines, pick);
    return { lines: without(lines, ...tail, ...behind(lines, tail)) };
  },
  'a clean cut': (lines, pick) => {
    const last = pick(notesOf(lines).slice(0, -1));
    const kept = lines.filter((line) => (line.leaf ?? 0) < sizeOf(last) && !(sizeOf(line) > sizeOf(last)));
    // The second key came with the third checkpoint.
    const keys = [lines[0]?.['keys']].flat().slice(0, sizeOf(last) < 9 ? 1 : 2);
    return { lines: [{ ...lines[0], size: sizeOf(last), keys }, ...kept.slice(1)], needsKept: true, kind: 'cut' };
  },
  'a changed note': (lines, pick) => {
    const line = pick(notesOf(lines).filter(({ checkpoint = '' }) => checkpoint.split('— ').length === 2));
    const note = line.checkpoint ?? '';
    line.checkpoint = flipped(note, pick([...Array.from(note).keys()].slice(0, -1)));
    return { lines };
  },
  'a signature with other spare bits': (lines, pick) => {
    const line = pick(notesOf(lines));
    const note = line.checkpoint ?? '';
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    // The last digit before the padding stands for four bits of the signature and for two that are nothing.
    const other = digits[digits.indexOf(note.at(-3) ?? '') + pick([1, 2, 3])];
    line.checkpoint = `${note.slice(0, -3)}${other}=\n`;
    return { lines, kind: 'checkpoint' };
  },
  'a key more': ([header, ...rest]) => ({
    lines: [{ ...header, keys: [header?.['keys'], strangerKey].flat() }, ...rest],
    kind: 'key',
  }),
  'a changed header': (lines, pick) => {
    const [header, ...rest] = lines;
    const keys = [header?.['keys']].flat();
    const change = pick([
      { keys: keys.slice(1) },
      { keys: keys.toReversed() },
      { keys: [] },
      { size: 3 },
      { origin: 'x' },
    ]);
    return { lines: [{ ...header, ...change }, ...rest] };
  },
};
