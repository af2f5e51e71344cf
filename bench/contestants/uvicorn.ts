import type { Bench } from '../parts/part.ts';
import type { Variables } from '../stage/children.ts';
import { peersFolder } from '../stage/peers.ts';
import { surroundings } from '../stage/quinta.ts';
import type { BenchDatabase } from '../stage/stage.ts';
import type { Running } from './contestant.ts';
import { startServers } from './http-server.ts';
import { findPython } from './python-peers.ts';

const modules = ['sqlalchemy', 'pydantic', 'jwt', 'fastapi', 'uvicorn', 'asyncpg', 'uvloop', 'httptools', 'redis'];

/** Two processes of a FastAPI program beside the peers, each with half of the load; the reason where Python lacks a package. */
export async function startUvicorns(
  { stage, generator }: Bench,
  { program, database, env }: { readonly program: string; readonly database: BenchDatabase; readonly env: Variables },
): Promise<{ readonly running?: Running; readonly reason?: string }> {
  const found = await findPython(stage.children, modules);
  if ('reason' in found) return found;
  const whole = {
    ...surroundings(),
    DATABASE_URL: database.applicationUrl.replace(/^postgresql/, 'postgresql+asyncpg'),
    PYTHONDONTWRITEBYTECODE: '1',
    ...env,
  };
  const words = `-m uvicorn ${program}:app --loop uvloop --http httptools --no-access-log --log-level warning`;
  const argumentsFor = (port: number): string[] => [...words.split(' '), '--host', '127.0.0.1', '--port', `${port}`];
  const commands = [1, 2].map((number) => ({
    name: `${program.replaceAll('_', '-')}-${number}`,
    command: found.python,
    argumentsFor,
    env: whole,
    cwd: peersFolder,
  }));
  return { running: await startServers({ stage, generator, database }, commands, { isDurable: false }) };
}
