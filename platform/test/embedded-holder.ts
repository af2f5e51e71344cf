import { createInterface } from 'node:readline';
import { holdEmbeddedServer } from '../src/database/embedded/index.ts';

/**
 * A process that holds the embedded server of a folder, for tests that kill it: `node embedded-holder.ts <folder>`.
 * It answers in lines of JSON: `held` or `failed`, then `released` to the line `release` on its input.
 */
const log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => log,
};

function answer(event: string, fields: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

try {
  const said: string[] = [];
  const [, , dataDirectory = ''] = process.argv;
  const server = await holdEmbeddedServer({ dataDirectory, log, say: (line) => said.push(line) });
  const database = await server.ensureDatabase('story');
  answer('held', { ...server, ...database, said });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line !== 'release') continue;
    await server.release();
    answer('released');
    break;
  }
  process.stdin.destroy();
} catch (error) {
  answer('failed', { name: (error as Error).name, message: (error as Error).message });
}
