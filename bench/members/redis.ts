import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { surroundings } from '../stage/quinta.ts';
import { freePort } from '../../platform/src/testing/free-port.ts';
import type { Stage } from '../stage/stage.ts';
import { until } from '../stage/until.ts';

const startTimeoutMs = 20_000;

/** A Redis of the run's own, on a free port, that keeps nothing on disk. Throws where there is no redis-server. */
export async function startRedis(stage: Stage): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const folder = mkdtempSync(path.join(stage.folder, 'redis-'));
  const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const child = stage.children.start('redis-server', fixed, { env: surroundings() });
  await until('Redis answers', () => answers(port), { timeoutMs: startTimeoutMs, signal: stage.signal });
  return { url: `redis://127.0.0.1:${port}/0`, stop: () => child.stop() };
}

function answers(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(undefined));
  });
}
