import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { environmentOf, folder, readCompose } from './test/compose-file.ts';

const execute = promisify(execFile);

/** `docker compose`, or the older `docker-compose`; neither needs an engine to read a file. */
const clients = [['docker', 'compose'], ['docker-compose']] as const;

/** The client that is here. There may be none: what it reads is checked without it as well. */
async function composeClient(): Promise<{ words: readonly string[]; unreachable: string | undefined }> {
  for (const words of clients) {
    const [program, ...rest] = words;
    const found = await execute(program, [...rest, 'version']).then(
      () => true,
      () => false,
    );
    if (found) return { words, unreachable: undefined };
  }
  const unreachable = 'there is no docker compose here';
  process.stderr.write(`\`docker compose config\` is left out: ${unreachable}.\n`);
  return { words: [], unreachable };
}

const client = await composeClient();

/** What it says of files, with the example for `.env`, and nothing of whoever runs the tests. */
async function config(...files: readonly string[]): Promise<string> {
  const [program = '', ...words] = client.words;
  const named = files.flatMap((file) => ['-f', file]);
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  const all = [...words, '--env-file', '.env.example', ...named, 'config'];
  return (await execute(program, all, { cwd: fileURLToPath(folder), env })).stdout;
}

describe.skipIf(client.unreachable !== undefined)('docker compose', () => {
  test('reads the file as the tests do', async () => {
    const read = readCompose(await config('docker-compose.yml'));
    for (const name of ['backend-api', 'event-consumer', 'postgres-primary', 'postgres-replica', 'couchdb']) {
      const told = Object.entries(read.services[name]?.environment ?? {});
      expect(Object.fromEntries(told.map(([key, value]) => [key, String(value)]))).toEqual(environmentOf(name));
    }
  });

  test('refuses both files without the secrets of production', async () => {
    const reading = config('docker-compose.yml', 'docker-compose.production.yml');
    await expect(reading).rejects.toThrow(/POSTGRES_PASSWORD/);
  });
});
