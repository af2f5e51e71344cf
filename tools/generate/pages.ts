import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Generated files by their path under `docs/reference`. */
export type Pages = ReadonlyMap<string, string>;

/** Pages beside the generated ones that another command writes: the benchmarks, which need a quiet machine and time. */
const writtenElsewhere = new Set(['benchmarks.md', 'benchmarks-move-acces.md', 'benchmarks-sofipo.md']);

export interface Difference {
  readonly path: string;
  readonly kind: 'missing' | 'different' | 'left over';
}

/** How a folder differs from what it should hold. */
export async function differences(folder: string, pages: Pages): Promise<readonly Difference[]> {
  const present = new Set(await filesUnder(folder));
  const found: Difference[] = [...present]
    .filter((path) => !pages.has(path) && !writtenElsewhere.has(path))
    .map((path) => ({ path, kind: 'left over' }));
  for (const [path, text] of pages) {
    if (!present.has(path)) found.push({ path, kind: 'missing' });
    else if ((await readFile(join(folder, path), 'utf8')) !== text) found.push({ path, kind: 'different' });
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Makes a folder hold what it should, touching only what differs. */
export async function settle(folder: string, pages: Pages, found: readonly Difference[]): Promise<void> {
  for (const { path, kind } of found) {
    const target = join(folder, path);
    if (kind === 'left over') await rm(target);
    else {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, pages.get(path) ?? '');
    }
  }
}

async function filesUnder(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && entry.name !== '.gitkeep');
    return files.map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    );
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
