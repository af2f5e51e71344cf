import { Redis, type RedisOptions } from 'ioredis';
import { type Log, silentLog } from '../kernel/index.ts';
import { keyValueOver } from './backend.ts';
import { answerTimeoutMs, type KeyValue } from './contract.ts';
import { HealthWatch } from './health.ts';
import { RedisLink } from './redis-link.ts';
import { redisOperations } from './redis-operations.ts';
import { RedisSubscriber } from './redis-subscriber.ts';
import { describeFault, parseRedisUrl, type RedisAddress } from './redis-url.ts';

export interface RedisKeyValueOptions {
  /** `redis://`, `rediss://` or `unix://`; see `parseRedisUrl`. */
  readonly url: string;
  /** Stands before every key and channel; default none. */
  readonly keyPrefix?: string;
  readonly log?: Log;
  /** How long to wait for an answer; default 90. */
  readonly timeoutMs?: number;
}

/** After so long, or the time to wait for an answer where that is longer, the driver gives a connection up. */
const connectionTimeoutMs = 1_000;
const beatEveryMs = 2_000;
const reconnectMaxMs = 2_000;

/**
 * The store in Redis 6 or later, or Valkey. Connects in the background and again for ever; a server that is down is
 * no error here, but each call's. Throws a RangeError when the URL is none.
 */
export function redisKeyValue(options: RedisKeyValueOptions): KeyValue {
  const { keyPrefix = '', log = silentLog, timeoutMs = answerTimeoutMs } = options;
  const address = parseRedisUrl(options.url);
  const health = new HealthWatch({ isUp: false });
  const describe = (error: unknown): string => describeFault(error, address);
  const open = (): Redis => new Redis(driverOptions(address, Math.max(timeoutMs, connectionTimeoutMs)));
  const link = new RedisLink({ client: open(), health, log, timeoutMs, describe });
  const subscriber = new RedisSubscriber({ open, prefix: keyPrefix, log, timeoutMs });
  const operations = redisOperations(link, keyPrefix);
  const beat = setInterval(() => {
    // Whoever has been answered meanwhile has asked for us.
    if (link.isQuiet(beatEveryMs)) operations.ping().catch(() => undefined); // the link draws its own conclusions
    subscriber.beat();
  }, beatEveryMs).unref();
  return keyValueOver({
    operations,
    health,
    subscribe: (channel, own) => subscriber.subscribe(channel, own),
    async close() {
      clearInterval(beat);
      subscriber.close();
      link.close();
      health.close();
    },
  });
}

function driverOptions(address: RedisAddress, limitMs: number): RedisOptions & { replyMapping: 'legacy' } {
  const { host, port, path, db, username, password, isTls } = address;
  return {
    ...(path === undefined ? { host, port } : { path }),
    db,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(isTls && { tls: { servername: host } }),
    connectionName: 'quinta',
    replyMapping: 'legacy',
    lazyConnect: true,
    connectTimeout: limitMs,
    commandTimeout: limitMs,
    disconnectTimeout: 200,
    keepAlive: 10_000,
    // Nothing is kept for later: a command that cannot go out now is refused now, and none is sent twice.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    retryStrategy: reconnectDelay,
    // After a failover the old primary refuses writes; a new connection finds the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

/** Doubling from 50 ms up to two seconds, half of it by chance, so that many processes do not come back at once. */
function reconnectDelay(attempt: number): number {
  const delayMs = Math.min(50 * 2 ** Math.min(attempt - 1, 10), reconnectMaxMs);
  return delayMs / 2 + Math.random() * (delayMs / 2);
}
