import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The files of the house by their path from its root, with forward slashes. */
export interface Tree {
  /** Every file, also those that are not text. */
  readonly paths: ReadonlySet<string>;
  /** The text of each file that is text and was written by a person. */
  readonly texts: ReadonlyMap<string, string>;
}

const fileBytesMax = 2_000_000;
const generated = /(^|\/)(package-lock\.json|docs\/reference\/.+)$/;

/** A tree in memory, for the fixtures of the rules. */
export function treeOf(texts: Readonly<Record<string, string>>): Tree {
  return { paths: new Set(Object.keys(texts)), texts: new Map(Object.entries(texts)) };
}

/** The tree of a checkout: what git tracks, and what it would if it were added. */
export async function readTree(root: string): Promise<Tree> {
  const listed = await promisify(execFile)('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  });
  const names = [...new Set(listed.stdout.split('\0').filter((name) => name !== ''))].toSorted();
  const read = await Promise.all(names.map((name) => readText(join(root, name))));
  const found = names
    .map((name, index) => ({ name, content: read[index] }))
    .filter(({ content }) => content !== 'gone');
  const written = found.filter(({ name, content }) => content instanceof Buffer && !generated.test(name));
  return {
    paths: new Set(found.map(({ name }) => name)),
    texts: new Map(written.map(({ name, content }) => [name, String(content)])),
  };
}

/** The bytes of a text file; `binary` when it is none, `gone` when git lists it and it was deleted or is a folder. */
async function readText(path: string): Promise<Buffer | 'binary' | 'gone'> {
  try {
    const bytes = await readFile(path);
    return bytes.length > fileBytesMax || bytes.subarray(0, 8000).includes(0) ? 'binary' : bytes;
  } catch {
    return 'gone';
  }
}

/** Unit tests beside the code, and the stories in `test/` folders. */
export function isTest(path: string): boolean {
  return /\.test\.[cm]?tsx?$|(^|\/)test\//.test(path);
}

/** One-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
