import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Database, type EmbeddedServer, holdEmbeddedServer, openDatabase } from '../database/index.ts';
import { silentLog } from '../kernel/index.ts';
import { refuseKeptSecrets } from './secret-watch.ts';
import { type AnyService, migratorOf, type Placement, placeServices, serve } from '../service/index.ts';

/** A service that listens on a port of its own, on a database of its own. */
export interface ServiceWorld {
  /** `http://127.0.0.1:43211` */
  readonly baseUrl: string;
  /** The service's state, as its use cases take it. */
  readonly app: unknown;
  /** The database as the role that owns its tables: for looking behind the API, and for breaking things. */
  readonly owner: Database;
  /** The database as the role that the service works as. */
  readonly application: Database;
  readonly urls: { readonly owner: string; readonly application: string };
  /** Every line that was logged, DEBUG included. */
  readonly logLines: readonly string[];
  /** Ends all of it, and throws where a log line, an audit row or a kept answer holds a secret. */
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Variables of the service's configuration besides those of the world. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Runs on the migrated database before the service opens it. */
  readonly before?: (owner: Database) => Promise<void>;
  /** A database of another server; default an empty one on the embedded server of the run. */
  readonly databases?: TestDatabase;
  /** Brings the database to where it should be; default: all migrations. */
  readonly prepare?: (placement: Placement) => Promise<void>;
}

/**
 * Opens a service in this process as `quinta start` would: migrated, with the rights of its roles, every answer checked
 * against its schema. On the embedded server that the whole run shares.
 */
export async function openServiceWorld(service: AnyService, options: WorldOptions = {}): Promise<ServiceWorld> {
  const databases = options.databases ?? (await openTestDatabase(service.face.name.replaceAll('-', '_')));
  const dataDirectory = await mkdtemp(path.join(tmpdir(), 'quinta-world-'));
  /** What was opened, to be closed backwards; also where a service refuses to start. */
  const closers: (() => Promise<unknown>)[] = [
    () => rm(dataDirectory, { recursive: true, force: true }),
    () => databases.drop(),
  ];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  try {
    return await serveWorld(service, options, { databases, dataDirectory, closers, closeAll });
  } catch (error) {
    await closeAll();
    throw error;
  }
}

const sayNothing = (): undefined => undefined;

interface WorldParts {
  readonly databases: TestDatabase;
  readonly dataDirectory: string;
  readonly closers: (() => Promise<unknown>)[];
  readonly closeAll: () => Promise<void>;
}

async function serveWorld(
  service: AnyService,
  options: WorldOptions,
  { databases, dataDirectory, closers, closeAll }: WorldParts,
): Promise<ServiceWorld> {
  const environment = {
    APP_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'DEBUG',
    QUINTA_DATA_DIR: dataDirectory,
    DATABASE_URL: databases.urls.application,
    MIGRATION_DATABASE_URL: databases.urls.owner,
    LOGIN_ATTEMPTS_PER_MINUTE: '10000',
    ...options.environment,
  };
  const placement = await placeServices([service], {
    environment,
    root: dataDirectory,
    log: silentLog,
    say: sayNothing,
  });
  closers.push(() => placement.release());
  await (options.prepare ?? migrateAll)(placement);
  const owner = openDatabase({ url: databases.urls.owner, connectionsMax: 4 });
  const application = openDatabase({ url: databases.urls.application, connectionsMax: 4 });
  closers.push(
    () => application.close(),
    () => owner.close(),
  );
  await options.before?.(owner);
  const logLines: string[] = [];
  const logDestination = { write: (line: string) => void logLines.push(line) };
  const alone = { isShared: false, processCount: 1, workerId: 0 };
  const serving = await serve({ placement, log: silentLog, ...alone, logDestination });
  return {
    baseUrl: serving.address,
    app: serving.services[0]?.opened.app,
    owner,
    application,
    urls: databases.urls,
    logLines,
    close: async () => {
      await serving.stop(1_000);
      try {
        await refuseKeptSecrets(owner, logLines);
      } finally {
        await closeAll();
      }
    },
  };
}

async function migrateAll(placement: Placement): Promise<void> {
  for (const placed of placement.placed) {
    await migratorOf(placed, { log: silentLog, say: sayNothing }).up();
  }
}

/** An empty database with its two roles, on the server of the run. */
export interface TestDatabase {
  readonly urls: { readonly owner: string; readonly application: string };
  drop(): Promise<void>;
}

/**
 * Makes an empty database, dropped by the caller. The embedded server is shared by all test processes of a run through
 * QUINTA_TEST_DATA_DIR, which the run's set-up sets; the last one that lets go stops it.
 */
export async function openTestDatabase(label: string): Promise<TestDatabase> {
  const server = await testServer();
  const name = `t_${label}_${randomBytes(5).toString('hex')}`;
  const { ownerUrl, applicationUrl } = await server.ensureDatabase(name);
  return {
    urls: { owner: ownerUrl, application: applicationUrl },
    drop: async () => {
      await server.dropDatabase(name);
      await server.release();
    },
  };
}

/** The server of the run; alone (a single file in an editor) one of its own. */
function testServer(): Promise<EmbeddedServer> {
  const dataDirectory = process.env['QUINTA_TEST_DATA_DIR'] ?? path.join(tmpdir(), `quinta-test-${process.ppid}`);
  return holdEmbeddedServer({ dataDirectory, log: silentLog });
}
