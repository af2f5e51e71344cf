import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { silentLog } from '../../../kernel/index.ts';
import type { RealDatabaseCase, ThrowAwayDatabase } from '../../../testing/index.ts';
import { connect } from '../connection.ts';
import { MigrationError } from '../migration-error.ts';
import { createMigrator, type Migrator } from '../migrator.ts';
import type { MigratorOptions } from '../session.ts';

/** What a migration of a test says: statements, or the text of a function's body that has a `runner`. */
export interface MigrationSource {
  readonly up?: readonly string[] | string;
  readonly down?: readonly string[] | string;
  /** The body of `verify`; without it the migration has none. */
  readonly verify?: string;
}

/** An empty database and a folder of migrations, both to be thrown away: the stream `shop`. */
export interface World {
  readonly url: string;
  readonly folder: URL;
  /** Lines that migrators of this world said. */
  readonly said: readonly string[];
  migrator(options?: Partial<MigratorOptions>): Migrator;
  write(name: string, source: MigrationSource): Promise<void>;
  remove(name: string): Promise<void>;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  hasTable(name: string): Promise<boolean>;
  drop(): Promise<void>;
}

export async function createWorld(
  real: RealDatabaseCase,
  sources: Readonly<Record<string, MigrationSource>>,
): Promise<World> {
  const folder = await createFolder();
  const database: ThrowAwayDatabase = await real.createDatabase();
  const said: string[] = [];
  const write = (name: string, source: MigrationSource): Promise<void> =>
    writeFile(new URL(`${name}.ts`, folder), textOf(source));
  for (const [name, source] of Object.entries(sources)) await write(name, source);
  const withConnection = async <T>(
    work: (connection: Awaited<ReturnType<typeof connect>>) => Promise<T>,
  ): Promise<T> => {
    const connection = await connect(database);
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  };
  return {
    url: database.url,
    folder,
    said,
    migrator: (options = {}) =>
      createMigrator({
        url: database.url,
        service: 'shop',
        streams: [{ name: 'shop', folder }],
        lockTimeoutMs: 30_000,
        log: silentLog,
        say: (line) => said.push(line),
        ...options,
      }),
    write,
    remove: (name) => rm(new URL(`${name}.ts`, folder)),
    query: (sql) => withConnection((connection) => connection.run(sql)),
    hasTable: (name) => withConnection((connection) => connection.hasTable(name)),
    drop: async () => {
      await database.drop();
      await removeFolder(folder);
    },
  };
}

export async function createFolder(): Promise<URL> {
  return pathToFileURL(`${await mkdtemp(join(tmpdir(), 'quinta-migrations-'))}/`);
}

export function removeFolder(folder: URL): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}

/** The text of a migration's file. */
export function textOf({ up = [], down = [], verify }: MigrationSource): string {
  return `export const migration = {
  why: 'A test needs it.',
  async up(runner: any) { ${bodyOf(up)} },
  async down(runner: any) { ${bodyOf(down)} },
  ${verify === undefined ? '' : `async verify(runner: any) { ${verify} },`}
};
`;
}

function bodyOf(source: readonly string[] | string): string {
  if (typeof source === 'string') return source;
  return source.map((sql) => `await runner.run(${JSON.stringify(sql)});`).join('\n');
}

/** The MigrationError that `work` ends with. */
export async function refusal(work: Promise<unknown>): Promise<MigrationError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof MigrationError) return error;
    throw error;
  }
  throw new Error('Expected a MigrationError, and nothing was thrown');
}
