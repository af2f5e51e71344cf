import { surroundings } from '../stage/quinta.ts';
import { peersFolder } from '../stage/peers.ts';
import type { Children } from '../stage/children.ts';
import type { Contestant, Running, Surroundings } from './contestant.ts';
import { startServers } from './http-server.ts';
import { peerVariables } from './peer-variables.ts';

/** The stacks of the earlier backends, on Debian's own packages (python3-fastapi and so on: see bench/peers/*.py). */
export const pythonPeers: readonly Contestant[] = [
  {
    name: 'fastapi',
    title: 'FastAPI, SQLAlchemy async, asyncpg, 2 processes',
    statements: 4,
    reasonAgainst: (stage) => reasonAgainst(stage.children, fastapiModules),
    start: startFastapi,
  },
  {
    name: 'flask',
    title: 'Flask, SQLAlchemy, psycopg2, gunicorn 2 x 4',
    statements: 4,
    reasonAgainst: (stage) => reasonAgainst(stage.children, flaskModules),
    start: startFlask,
  },
];

const sharedModules = ['sqlalchemy', 'pydantic', 'jwt'];
const fastapiModules = [...sharedModules, 'fastapi', 'uvicorn', 'asyncpg', 'uvloop', 'httptools'];
const flaskModules = [...sharedModules, 'flask', 'gunicorn', 'psycopg2'];
/** Debian's own first: another Python on the PATH has packages of its own. */
const interpreters = ['/usr/bin/python3', 'python3'];
const probeTimeoutMs = 30_000;

/** The Python that can import all of the modules; else what each of them said. */
export async function findPython(
  children: Children,
  modules: readonly string[],
): Promise<{ readonly python: string } | { readonly reason: string }> {
  const reasons: string[] = [];
  for (const python of interpreters) {
    try {
      await children.run(python, ['-c', `import ${modules.join(', ')}`], {
        env: surroundings(),
        timeoutMs: probeTimeoutMs,
      });
      return { python };
    } catch (error) {
      reasons.push(lastLineOf(error));
    }
  }
  return { reason: reasons.join('; ') };
}

async function reasonAgainst(children: Children, modules: readonly string[]): Promise<string | undefined> {
  const found = await findPython(children, modules);
  return 'reason' in found ? found.reason : undefined;
}

async function pythonFor(given: Surroundings, modules: readonly string[]): Promise<string> {
  const found = await findPython(given.stage.children, modules);
  if ('reason' in found) throw new Error(found.reason);
  return found.python;
}

const uvicorn = (port: number): string[] =>
  wordsOf([
    `-m uvicorn fastapi_peer:app --host 127.0.0.1 --port ${port}`,
    '--loop uvloop --http httptools --no-access-log --no-proxy-headers --log-level warning',
  ]);

/** uvicorn spreads connections unevenly over its own workers: two processes, each with half of the load, are fairer. */
async function startFastapi(given: Surroundings): Promise<Running> {
  const command = await pythonFor(given, fastapiModules);
  const env = variablesFor(given, 'postgresql+asyncpg');
  const server = { command, argumentsFor: uvicorn, env, cwd: peersFolder };
  const commands = ['fastapi-1', 'fastapi-2'].map((name) => ({ name, ...server }));
  return startServers(given, commands, { isDurable: true });
}

const gunicorn = (port: number): string[] =>
  wordsOf([
    '-m gunicorn --workers 2 --threads 4 --keep-alive 75 --log-level warning',
    `--bind 127.0.0.1:${port} flask_peer:app`,
  ]);

async function startFlask(given: Surroundings): Promise<Running> {
  const server = {
    name: 'flask',
    command: await pythonFor(given, flaskModules),
    argumentsFor: gunicorn,
    env: variablesFor(given, 'postgresql+psycopg2'),
    cwd: peersFolder,
  };
  return startServers(given, [server], { isDurable: true });
}

function wordsOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(' '));
}

function variablesFor(given: Surroundings, scheme: string): Record<string, string> {
  const variables = peerVariables(given);
  return {
    ...variables,
    DATABASE_URL: given.database.applicationUrl.replace(/^postgresql/, scheme),
    PYTHONDONTWRITEBYTECODE: '1',
  };
}

function lastLineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n').at(-1) ?? text;
}
