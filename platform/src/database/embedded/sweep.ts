import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { findPostmaster } from './postmaster.ts';

/** Names the data folder that a database elsewhere belongs to. */
export const originName = 'belongs-to.txt';

/**
 * Removes the databases of data folders that were temporary and are gone, as tests leave them: nobody else would. One
 * that still runs stays, and so does every database whose data folder was not temporary: that may come back.
 */
export function sweepTemporary(shared: string): void {
  for (const name of readdirSync(shared).filter((entry) => /^data-[0-9a-f]+$/.test(entry))) {
    const folder = join(shared, name);
    if (!isAbandoned(folder) || findPostmaster(join(folder, 'cluster')) !== undefined) continue;
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another process sweeps too; what both have left, the next start takes.
    }
  }
}

function isAbandoned(folder: string): boolean {
  const origin = join(folder, originName);
  if (!existsSync(origin)) return false;
  const home = readFileSync(origin, 'utf8').trim();
  return home.startsWith(realpathSync(tmpdir()) + sep) && !existsSync(home);
}
