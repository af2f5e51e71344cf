import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { holdEmbeddedServer } from '../database/index.ts';
import { silentLog } from '../kernel/index.ts';

/**
 * For vitest's `globalSetup`: one embedded PostgreSQL for all test processes of the run, in a folder of its own, gone at
 * the end. Returns what ends it.
 */
export async function setup(): Promise<() => Promise<void>> {
  const dataDirectory = await mkdtemp(path.join(tmpdir(), 'quinta-test-'));
  // As root the server runs as another user, who must reach it here rather than in a folder of the system.
  await chmod(dataDirectory, 0o755);
  const server = await holdEmbeddedServer({ dataDirectory, log: silentLog });
  process.env['QUINTA_TEST_DATA_DIR'] = dataDirectory;
  return async () => {
    await server.release();
    await rm(dataDirectory, { recursive: true, force: true });
  };
}
