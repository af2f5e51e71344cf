import path from 'node:path';
import { ConfigError, type ConfigOf, type Environment, readConfig } from '../config/index.ts';
import {
  createMigrator,
  type EmbeddedServer,
  grantApplicationRole,
  holdEmbeddedServer,
  type Migrator,
  parseDatabaseUrl,
} from '../database/index.ts';
import type { Log } from '../kernel/index.ts';
import { auditSigningKey } from './audit-ledger.ts';
import type { AnyService } from './define.ts';
import { hostSettings } from './settings.ts';

export type HostConfig = ConfigOf<typeof hostSettings>;

/** A service with its configuration read and its database found; nothing is open yet. */
export interface PlacedService {
  readonly service: AnyService;
  readonly config: Readonly<Record<string, unknown>>;
  /** The role that owns the tables. */
  readonly ownerUrl: string;
  /** The role that the service itself works as. */
  readonly applicationUrl: string;
  /** For reads as that role; undefined where there is no replica, and none of an embedded database. */
  readonly replicaUrl?: string;
  readonly isEmbedded: boolean;
}

/** The services of one process, placed; holds the embedded server where one of them needs it. */
export interface Placement {
  readonly host: HostConfig;
  readonly dataDirectory: string;
  readonly isProduction: boolean;
  readonly placed: readonly PlacedService[];
  readonly embedded: EmbeddedServer | undefined;
  /** Lets go of the embedded server; the last process that does stops it. */
  release(): Promise<void>;
}

export interface PlaceOptions {
  readonly environment: Environment;
  /** The folder that a relative QUINTA_DATA_DIR starts from. */
  readonly root: string;
  readonly log: Log;
  readonly say: (line: string) => void;
}

const migrationLockTimeoutMs = 120_000;

/**
 * Reads the configuration of services and finds their databases, starting the embedded server where one has none.
 * @throws ConfigError with a line for each wrong variable
 */
export async function placeServices(services: readonly AnyService[], options: PlaceOptions): Promise<Placement> {
  const { environment, root, log, say } = options;
  const { host, read, dataDirectory } = readAll(services, environment, root);
  const isProduction = host.APP_ENV === 'production';
  const needsEmbedded = read.some(({ service, config }) => !service.databaseUrlOf(config, isProduction));
  const embedded = needsEmbedded ? await holdEmbeddedServer({ dataDirectory, log, say }) : undefined;
  try {
    const placed: PlacedService[] = [];
    for (const { service, config } of read) placed.push(await placeOne(service, config, { embedded, isProduction }));
    return { host, dataDirectory, isProduction, placed, embedded, release: async () => embedded?.release() };
  } catch (error) {
    await embedded?.release();
    throw error;
  }
}

function urlVariableOf(service: string): string {
  return `${service.toUpperCase().replaceAll('-', '_')}_DATABASE_URL`;
}

interface ReadService {
  readonly service: AnyService;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Reads all configuration before anything is touched, so that one start tells of every variable that is wrong. */
function readAll(
  services: readonly AnyService[],
  environment: Environment,
  root: string,
): { readonly host: HostConfig; readonly read: readonly ReadService[]; readonly dataDirectory: string } {
  const faults = new Set<string>();
  const reading = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const fault of error.faults) faults.add(fault);
      return undefined;
    }
  };
  const host = reading(() => readConfig('quinta', hostSettings, environment));
  const dataDirectory = path.resolve(root, host?.QUINTA_DATA_DIR ?? '');
  const read = services.flatMap((service) => {
    const config = reading(() => readConfig(service.face.name, service.settings, environment));
    if (!config) return [];
    if (host) {
      const where = { isProduction: host.APP_ENV === 'production', dataDirectory };
      if (where.isProduction) reading(() => auditSigningKey(config, where));
      reading(() => service.checkConfig?.(config, where));
    }
    return [{ service, config }];
  });
  for (const fault of sharedDatabases(read, host?.APP_ENV === 'production')) faults.add(fault);
  if (!host || faults.size > 0) throw new ConfigError([...faults]);
  return { host, read, dataDirectory };
}

/** Tables of two services have the same names, so each needs a database of its own. */
function sharedDatabases(read: readonly ReadService[], isProduction: boolean): string[] {
  const users = new Map<string, { readonly database: string; readonly names: string[] }>();
  for (const { service, config } of read) {
    const url = service.databaseUrlOf(config, isProduction);
    if (url === undefined) continue;
    const { host, port, database } = parseDatabaseUrl(url);
    const place = `${host}:${port}/${database}`;
    const known = users.get(place) ?? { database, names: [] };
    users.set(place, known);
    known.names.push(service.face.name);
  }
  return [...users.values()]
    .filter(({ names }) => names.length > 1)
    .map(({ database, names }) => {
      const variables = names.map(urlVariableOf);
      return (
        `DATABASE_URL names one database (${database}) for ${inWords(names)}, but each needs its own: ` +
        `set ${inWords(variables)}`
      );
    });
}

/** `a, b and c` */
function inWords(words: readonly string[]): string {
  return words.join(', ').replace(/, ([^,]*)$/, ' and $1');
}

async function placeOne(
  service: AnyService,
  config: Readonly<Record<string, unknown>>,
  where: { readonly embedded: EmbeddedServer | undefined; readonly isProduction: boolean },
): Promise<PlacedService> {
  const configured = service.databaseUrlOf(config, where.isProduction);
  if (configured !== undefined) {
    const owner = config['MIGRATION_DATABASE_URL'];
    const ownerUrl = typeof owner === 'string' ? owner : configured;
    const replicaUrl = service.replicaUrlOf?.(config);
    const replica = replicaUrl === undefined ? {} : { replicaUrl };
    return { service, config, ownerUrl, applicationUrl: configured, ...replica, isEmbedded: false };
  }
  if (!where.embedded) throw new Error(`${service.face.name} has no database`);
  const database = await where.embedded.ensureDatabase(service.face.name.replaceAll('-', '_'));
  return { service, config, ...database, isEmbedded: true };
}

/** The migrator of a placed service, which also gives the application's role its rights. */
export function migratorOf(
  { service, ownerUrl, applicationUrl, isEmbedded }: PlacedService,
  tell: { readonly log: Log; readonly say: (line: string) => void },
): Migrator {
  const { folder, platform, versionTable, appendOnly, protectedTables, standIn } = service.migrations;
  const { name } = service.face;
  const applicationRole = userOf(applicationUrl);
  return createMigrator({
    url: ownerUrl,
    service: name,
    streams: [
      { name: 'platform', folder: platformMigrations, only: platform },
      { name, folder },
    ],
    ...(versionTable ? { versionTable } : {}),
    ...(protectedTables ? { protectedTables } : {}),
    ...(standIn && isEmbedded ? { beforeRecord: standIn } : {}),
    lockTimeoutMs: migrationLockTimeoutMs,
    log: tell.log,
    say: tell.say,
    appVersion: service.face.version,
    afterUp: async (runner) => {
      if (applicationRole && applicationRole !== userOf(ownerUrl)) {
        await grantApplicationRole(runner, applicationRole, appendOnly);
      }
    },
  });
}

/** The platform's own migrations, of which each service picks those that it needs. */
export const platformMigrations = new URL('../../migrations/', import.meta.url);

function userOf(url: string): string {
  const [, user = ''] = /^\w+:\/\/([^:@/]*)/.exec(parseDatabaseUrl(url).url) ?? [];
  return decodeURIComponent(user);
}
