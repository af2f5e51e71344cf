import path from 'node:path';
import type { AuditLedger } from '../audit/index.ts';
import { ConfigError } from '../config/index.ts';
import { type Database, parseDatabaseUrl } from '../database/index.ts';
import type { MountedService, ReadyCheck } from '../http/index.ts';
import { type Log, systemClock } from '../kernel/index.ts';
import { createLimiter, type KeyValue, type Limiter, openKeyValue } from '../keyvalue/index.ts';
import { createLog, createMetrics, type Metrics, type ServiceLog } from '../telemetry/index.ts';
import { ledgerCheck, openLedger } from './audit-ledger.ts';
import type { OpenedService } from './define.ts';
import { type LazyMessaging, messagingCheck, serviceMessaging } from './messaging.ts';
import { openServiceDatabase, replicaChecks } from './open-database.ts';
import type { PlacedService, Placement } from './place.ts';
import { redisUrlOf } from './settings.ts';

/** For a command that has used the broker; whoever serves has stopped it before. */
const messagingCloseMs = 5_000;

/** A service that is open, with what closes it. */
export interface RunningService {
  readonly placed: PlacedService;
  readonly opened: OpenedService<unknown>;
  readonly mounted: MountedService;
  readonly ledger: AuditLedger;
  /** What the service sends and hears. */
  readonly messaging: LazyMessaging;
  close(): Promise<void>;
}

/** What the services of one process share. */
export interface SharedParts {
  readonly metrics: Metrics;
  readonly keyValue: KeyValue;
  /** How many processes share the limits, for the budget of each when the key-value store is gone. */
  readonly processCount: number;
  /** Number of this worker, or 0 alone: log files of workers must not rotate each other away. */
  readonly workerId: number;
  /** Instead of standard output: gets each log line. */
  readonly logDestination?: { write(line: string): void } | undefined;
  /** Whether the process has been told to stop. */
  readonly isStopping: () => boolean;
}

export function openSharedParts(
  placement: Placement,
  log: Log,
  process_: Omit<SharedParts, 'metrics' | 'keyValue'>,
): SharedParts & { close(): Promise<void> } {
  const metrics = createMetrics({ service: 'quinta' });
  const keyValue = openKeyValue({ redisUrl: redisUrlOf(placement.host), log });
  return {
    ...process_,
    metrics,
    keyValue,
    close: async () => {
      await keyValue.close();
      await metrics.close();
    },
  };
}

/** Opens one service on its parts. */
export async function openService(
  placement: Placement,
  placed: PlacedService,
  shared: SharedParts,
  prefix: string,
): Promise<RunningService> {
  const { service, config } = placed;
  const { name } = service.face;
  const log = openLog(placement, placed, shared);
  const metrics = shared.metrics.forService(name);
  // Without Redis, the store of a single process is known to nobody else.
  const isStoreShared = redisUrlOf(placement.host) !== undefined || shared.processCount > 1;
  const sharedStore = isStoreShared ? shared.keyValue : undefined;
  const database = openServiceDatabase(placed, { metrics, log, sharedStore });
  const limiter = openLimiter(shared, metrics);
  const ledger = openLedger(placement, placed, { database, metrics, log });
  const closeParts = async (): Promise<void> => {
    limiter.close();
    await database.close();
    await log.close();
  };
  const parts = {
    config,
    database,
    keyValue: shared.keyValue,
    limiter,
    ledger,
    metrics,
    log,
    clock: systemClock,
    isProduction: placement.isProduction,
    dataDirectory: placement.dataDirectory,
    databaseAddress: addressOf(placed),
  };
  // A pool left open would keep the process, and the embedded server, alive after a start that failed.
  const opened = await service.open(parts).catch((error: unknown) => closeParts().then(() => Promise.reject(error)));
  const messaging = serviceMessaging(placed, { app: opened.app, database, metrics, log });
  const readyChecks: ReadyCheck[] = [
    ...ownChecks(shared, database),
    ...replicaChecks(database),
    ledgerCheck(placed, ledger),
    ...messagingCheck(placed, { messaging, database }),
    ...(opened.readyChecks ?? []),
  ];
  return {
    placed,
    opened,
    ledger,
    messaging,
    mounted: mountOf(placement, placed, { opened, log, prefix, readyChecks, limiter }),
    close: async () => {
      await messaging.close(messagingCloseMs);
      await opened.close();
      await closeParts();
    },
  };
}

/** What every service needs: a process that is not stopping, its database, and the key-value store if it can be had. */
function ownChecks(shared: SharedParts, database: Database): ReadyCheck[] {
  const alive = (): Promise<Record<string, never>> =>
    shared.isStopping() ? Promise.reject(new Error('The process is stopping')) : Promise.resolve({});
  return [
    { name: 'process', isEssential: true, check: alive },
    { name: 'database', isEssential: true, check: () => database.ping().then(() => ({})) },
    { name: 'key_value', isEssential: false, check: () => shared.keyValue.ping().then(() => ({})) },
  ];
}

function openLimiter(shared: SharedParts, metrics: Metrics): Limiter {
  const decisions = metrics.counter('quinta_limit_decisions_total', 'Decisions of rate limits.', [
    'policy',
    'outcome',
    'source',
  ]);
  return createLimiter(shared.keyValue, {
    // Two services may both limit `sign-in`; they do not share the count.
    scope: metrics.service,
    fallbackShare: shared.processCount,
    onDecision: ({ policy, allowed, source }) =>
      decisions.add({ policy, outcome: allowed ? 'allowed' : 'refused', source }),
  });
}

function mountOf(
  placement: Placement,
  { service }: PlacedService,
  parts: {
    opened: OpenedService<unknown>;
    log: Log;
    prefix: string;
    readyChecks: readonly ReadyCheck[];
    limiter: Limiter;
  },
): MountedService {
  const { face, rootRoutes, apiRoutes, apiPrefixes, roles } = service;
  return {
    mount: {
      face,
      prefix: parts.prefix,
      app: parts.opened.app,
      rootRoutes,
      apiRoutes,
      apiPrefixes,
      ...(service.socketRoutes ? { socketRoutes: service.socketRoutes } : {}),
      log: parts.log,
      readyChecks: parts.readyChecks,
      hasDocs: placement.host.DOCS === 'on',
      ...(service.legacyMembers ? { legacyMembers: service.legacyMembers } : {}),
      authenticate: (token) => parts.opened.authenticate(token),
      can: (actor, permission) => roles.can(actor.role, permission),
      limit: (policy, key) => parts.limiter.take(policy, key),
      ...(parts.opened.onRefused ? { onRefused: parts.opened.onRefused } : {}),
    },
    openApi: {
      face,
      rootRoutes,
      apiRoutes,
      apiPrefixes,
      problems: service.problems,
      rolesWith: (permission) => roles.rolesWith(permission),
    },
  };
}

/** The address as `/health` shows it: never the user, the password, or where an embedded socket lies. */
function addressOf({ applicationUrl, isEmbedded }: PlacedService): { host: string; port: number; database: string } {
  const { host, port, database } = parseDatabaseUrl(applicationUrl);
  return { host: isEmbedded ? 'embedded' : host, port, database };
}

function openLog(placement: Placement, { service, config }: PlacedService, shared: SharedParts): ServiceLog {
  const { name } = service.face;
  const { workerId, logDestination } = shared;
  const { LOG_DIR: directory, LOG_LEVEL: level } = config;
  try {
    return createLog({
      service: name,
      level: typeof level === 'string' ? level : placement.host.LOG_LEVEL,
      ...(typeof directory === 'string' ? { directory: path.resolve(directory) } : {}),
      ...(logDestination ? { destination: logDestination } : {}),
      fileName: workerId === 0 ? name : `${name}-worker-${workerId}`,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`LOG_DIR holds "${String(directory)}", but should hold a folder to write to: ${reason}`]);
  }
}
