import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { followSignals } from '../../tools/setup/child.mjs';
import { ensureInstalled } from '../../tools/setup/install.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Where the peers are; their packages are no part of the house's own installation. */
export const peersFolder = path.join(root, 'bench', 'peers');

/** Installs the packages of the peers where they are missing. Throws a SetupError. */
export async function ensurePeers(): Promise<void> {
  const signals = followSignals();
  try {
    await ensureInstalled(root, ['bench/peers'], signals);
  } finally {
    signals.unfollow();
  }
}

/** Why the peers' packages cannot be had, without a path of this machine; undefined where they are there. */
export async function reasonAgainstPeers(): Promise<string | undefined> {
  try {
    await ensurePeers();
    return undefined;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replaceAll(root, '');
  }
}
