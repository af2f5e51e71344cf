import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { identityOf, ownAccount } from '../../../platform/src/database/embedded/account.ts';
import { type Variables, folder } from './compose-file.ts';

/** Who PostgreSQL runs as: it refuses root. */
export const account = ownAccount();

export interface Ran {
  readonly status: number | null;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  output(): string;
}

interface Options {
  readonly env: Variables;
  readonly input?: string;
  /** Runs as ourselves, not as the account of PostgreSQL. */
  readonly isOwn?: boolean;
}

const timeoutMs = 60_000;

/** Runs a program to its end. */
export function run(words: readonly string[], options: Options): Promise<Ran> {
  const started = start(words, options, timeoutMs);
  started.child.stdin?.end(options.input ?? '');
  return started.ended;
}

/** Runs a program that must succeed, and returns what it printed. */
export async function succeed(words: readonly string[], options: Options): Promise<string> {
  const { status, output } = await run(words, options);
  if (status !== 0) throw new Error(`${words[0] ?? ''} ended with ${status}: ${output}`);
  return output.trim();
}

/** Starts a program as the account of PostgreSQL, without anything of the environment of the tests. */
export function start(words: readonly string[], { env, isOwn = false }: Options, limitMs?: number): Started {
  const [program = '', ...rest] = words;
  const child = spawn(program, rest, {
    env: { ...env },
    ...(!isOwn && identityOf(account)),
    ...(limitMs && { timeout: limitMs }),
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  }
  child.stdin.on('error', () => undefined); // a program that ends at once does not read its input
  const output = (): string => chunks.join('');
  const ended = once(child, 'close').then(([status]) => ({ status: status as number | null, output: output() }));
  return { child, ended, output };
}

/** Copies the scripts of the stack, with their modes, to where the account of PostgreSQL can reach them. */
export function copyScripts(target: string): void {
  for (const name of ['postgres-init', 'postgres-replica-config', 'couchdb-init']) {
    cpSync(fileURLToPath(new URL(name, folder)), `${target}/${name}`, { recursive: true });
  }
}
