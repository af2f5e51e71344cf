import { type Log, silentLog } from '../kernel/index.ts';
import type { Database } from './contract.ts';
import { openMysql } from './mysql.ts';
import { openPostgresql, type PoolOptions } from './postgresql.ts';
import { PooledDatabase, type StatementObserver } from './session.ts';
import { parseDatabaseUrl } from './url.ts';

export interface OpenOptions {
  readonly url: string;
  /** Default 8 a process: more connections than cores help little and hurt hot rows. */
  readonly connectionsMax?: number;
  readonly connectTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  /** Statements slower than this are logged with their operation; default 500. */
  readonly slowMs?: number;
  readonly applicationName?: string;
  readonly log?: Log;
  readonly observe?: StatementObserver;
}

const slowDefaultMs = 500;

/** Opens a pool on the engine that the URL names. Connects at first use: a database that is down is no error here. */
export function openDatabase(options: OpenOptions): Database {
  const address = parseDatabaseUrl(options.url);
  const log = options.log ?? silentLog;
  const pool: PoolOptions = {
    url: address.url,
    connectionsMax: options.connectionsMax ?? 8,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    statementTimeoutMs: options.statementTimeoutMs ?? 10_000,
    lockTimeoutMs: options.lockTimeoutMs ?? 5_000,
    applicationName: options.applicationName ?? 'quinta',
    log,
  };
  const engine = address.dialect === 'mysql' ? openMysql(pool) : openPostgresql(pool);
  return new PooledDatabase(engine, slowObserver(log, options.slowMs, options.observe), (error) =>
    log.error({ error }, 'What follows a commit has failed'),
  );
}

/** Logs statements that are slower than `slowMs`, and tells `observe` of all. */
export function slowObserver(log: Log, slowMs = slowDefaultMs, observe?: StatementObserver): StatementObserver {
  return (operation, durationMs, failed) => {
    observe?.(operation, durationMs, failed);
    if (durationMs >= slowMs) {
      log.warn({ operation, duration_ms: Math.round(durationMs), failed }, 'Slow database statement');
    }
  };
}
