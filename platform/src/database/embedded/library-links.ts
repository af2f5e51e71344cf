import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Makes the links between versions of libraries (`libpq.so.5` to `libpq.so.5.18`). A package cannot hold symbolic
 * links, so its installation script makes them from a list in it, and we install without running scripts. Says whether
 * all are there; false where we may not write. Two processes may do it at once.
 */
export function hydrateLinks(native: string, root: string): boolean {
  return linksOf(native).every(({ source, target }) => {
    const path = join(root, 'lib', basename(target));
    return existsSync(path) || isLinked(basename(source), path);
  });
}

/** All of them lie in `lib`; a link between folders would be of another kind of package. */
function linksOf(native: string): readonly Link[] {
  const list = join(native, 'pg-symlinks.json');
  return existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as readonly Link[]) : [];
}

function isLinked(source: string, path: string): boolean {
  try {
    symlinkSync(source, path);
  } catch {
    // Another process was faster, or we may not write here; which of them, the path itself tells.
  }
  return existsSync(path);
}
