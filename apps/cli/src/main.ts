import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Hundreds of files of TypeScript are stripped and compiled at every start: what was made of them is kept beside the
// installed packages, which halves a start. Where that cannot be written nothing is kept, and nobody is told.
enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/compiled/', import.meta.url)));
const { runQuinta } = await import('./run-quinta.ts');

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: Error & { code?: string }) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = (await runQuinta(process.argv.slice(2))) || Number(process.exitCode ?? 0);
