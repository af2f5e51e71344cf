/** One page of a list that grows, read by key: `next` is the cursor of the page behind it, null on the last. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** A place in an ordered list: the sort keys of the last row that was seen. */
export type CursorKeys = readonly (string | number)[];

const cursorLengthMax = 512;

/** Cursor keys as an opaque text that is safe in a URL. */
export function encodeCursor(keys: CursorKeys): string {
  return Buffer.from(JSON.stringify(keys)).toString('base64url');
}

/** The keys of a cursor that `encodeCursor` made, or undefined for any other text. */
export function decodeCursor(text: string, keyCount: number): CursorKeys | undefined {
  if (text.length > cursorLengthMax || !/^[\w-]+$/.test(text)) return undefined;
  try {
    const keys: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return isCursorKeys(keys) && keys.length === keyCount ? keys : undefined;
  } catch {
    return undefined; // not JSON: not one of ours
  }
}

function isCursorKeys(keys: unknown): keys is CursorKeys {
  return Array.isArray(keys) && keys.every((key) => typeof key === 'string' || Number.isSafeInteger(key));
}

/** Makes a page of rows that were read with a limit of one more than `size`. */
export function pageOf<Row>(rows: readonly Row[], size: number, keysOf: (row: Row) => CursorKeys): Page<Row> {
  const items = rows.slice(0, size);
  const last = items.at(-1);
  return { items, next: rows.length > size && last !== undefined ? encodeCursor(keysOf(last)) : null };
}
