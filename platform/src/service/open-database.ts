import { openDatabase, type ReadRoute, type RoutedDatabase, withoutReplica, withReplica } from '../database/index.ts';
import type { ReadyCheck } from '../http/index.ts';
import type { Log } from '../kernel/index.ts';
import type { KeyValue } from '../keyvalue/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { PlacedService } from './place.ts';

/** What a database is opened with besides its place. */
export interface DatabaseParts {
  readonly metrics: Metrics;
  readonly log: Log;
  /** Where other processes serve the same callers: the store that they share. */
  readonly sharedStore: KeyValue | undefined;
}

/** Opens a service's database, with its replica where one is configured, and measures both. */
export function openServiceDatabase(
  { service, config, applicationUrl, replicaUrl }: Omit<PlacedService, 'ownerUrl' | 'isEmbedded'>,
  { metrics, log, sharedStore }: DatabaseParts,
): RoutedDatabase {
  const connectionsMax = Number(config['DATABASE_POOL_MAX'] ?? 8);
  const statementTimeoutMs = Number(config['DATABASE_STATEMENT_TIMEOUT_MS'] ?? 10_000);
  const slowMs = Number(config['DATABASE_SLOW_MS'] ?? 500);
  const applicationName = `quinta ${service.face.name}`;
  const observe = statementObserver(metrics);
  const database = openDatabase({
    url: applicationUrl,
    connectionsMax,
    statementTimeoutMs,
    lockTimeoutMs: Number(config['DATABASE_LOCK_TIMEOUT_MS'] ?? 5_000),
    slowMs,
    applicationName,
    log,
    observe,
  });
  const states = (): { labels: { state: string }; value: number }[] => [
    { labels: { state: 'idle' }, value: database.pool.idle },
    { labels: { state: 'busy' }, value: database.pool.total - database.pool.idle },
    { labels: { state: 'waiting' }, value: database.pool.waiting },
  ];
  metrics.gauge('quinta_database_connections', 'Connections of the pool.', states, { labelNames: ['state'] });
  if (replicaUrl === undefined) return withoutReplica(database);
  const routed = withReplica(database, {
    primaryUrl: applicationUrl,
    replicaUrl,
    lagMaxMs: Number(config['DATABASE_REPLICA_LAG_MAX_MS'] ?? 1_000),
    connectionsMax,
    statementTimeoutMs,
    slowMs,
    applicationName,
    ...(sharedStore ? { shared: { keyValue: sharedStore, scope: metrics.service } } : {}),
    log,
    observe,
    onRead: readCounter(metrics),
  });
  const lag = (): number | [] => {
    const lagMs = routed.replicaState()?.lagMs;
    return lagMs === undefined ? [] : lagMs / 1_000;
  };
  const about = 'How old the newest state is that the replica surely has; none where it is not read.';
  metrics.gauge('quinta_database_replica_lag_seconds', about, lag, { aggregator: 'max' });
  return routed;
}

/** `/ready` shows how far the replica is behind. Without it the primary answers, so the service can do without. */
export function replicaChecks(database: RoutedDatabase): readonly ReadyCheck[] {
  if (!database.replicaState()) return [];
  const check = (): Promise<Readonly<Record<string, unknown>>> => {
    const { status, lagMs, lagBytes } = database.replicaState() ?? { status: 'down' };
    const lag = { lag_ms: lagMs ?? null, lag_bytes: lagBytes ?? null };
    return Promise.resolve(status === 'current' ? lag : { status: 'down', state: status, ...lag });
  };
  return [{ name: 'replica', isEssential: false, check }];
}

function readCounter(metrics: Metrics): (route: ReadRoute) => void {
  const help = 'Reads by the server that answered, and why.';
  const reads = metrics.counter('quinta_database_reads_total', help, ['server', 'reason']);
  return ({ server, reason }) => reads.add({ server, reason });
}

function statementObserver(metrics: Metrics): (operation: string, durationMs: number, failed: boolean) => void {
  const durations = metrics.histogram('quinta_database_statement_seconds', 'Time of one database statement.', {
    labelNames: ['operation', 'outcome'],
  });
  return (operation, durationMs, failed) =>
    durations.observe({ operation, outcome: failed ? 'failed' : 'done' }, durationMs / 1000);
}
