import { type Log, silentLog } from '../../kernel/index.ts';
import type { PoolOptions } from '../postgresql.ts';
import { parseDatabaseUrl } from '../url.ts';

/** A replica that does not answer a connection in this time is done without. */
const connectTimeoutMs = 1_000;

/** The pool of one of the two servers. Throws a TypeError for a URL that is not of PostgreSQL. */
export function replicaPool(options: {
  readonly url: string;
  readonly connectionsMax?: number | undefined;
  readonly statementTimeoutMs?: number | undefined;
  readonly applicationName?: string | undefined;
  readonly log?: Log | undefined;
}): PoolOptions {
  const address = parseDatabaseUrl(options.url);
  if (address.dialect !== 'postgresql') throw new TypeError('Reads are routed to replicas of PostgreSQL alone');
  const { connectionsMax = 8, statementTimeoutMs = 5_000, applicationName = 'quinta', log = silentLog } = options;
  const timeouts = { connectTimeoutMs, statementTimeoutMs, lockTimeoutMs: statementTimeoutMs };
  return { url: address.url, connectionsMax, ...timeouts, applicationName, log };
}
