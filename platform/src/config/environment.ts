import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** Variables by name, as a process gets them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The process's variables over those of a `.env` file, where there is one. This is the only place of the house that
 * looks at `process.env`.
 */
export function readEnvironment(dotenvPath?: string): Environment {
  return { ...(dotenvPath === undefined ? {} : readDotenv(dotenvPath)), ...process.env };
}

function readDotenv(path: string): Environment {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
}
