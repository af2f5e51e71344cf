import cluster from 'node:cluster';
import { type Log, silentLog } from '../kernel/index.ts';
import { clusterKeyValue } from './cluster.ts';
import type { KeyValue } from './contract.ts';
import { memoryKeyValue } from './memory.ts';
import { redisKeyValue } from './redis.ts';

export interface OpenKeyValueOptions {
  /** Empty or missing: no Redis. */
  readonly redisUrl?: string | undefined;
  /** Stands before every key and channel in Redis, which may serve others too; default none. */
  readonly keyPrefix?: string;
  readonly log?: Log;
}

/**
 * The store that fits this process: Redis where a URL is given; else the primary's memory in a worker of
 * node:cluster (the primary must call `serveKeyValue`); else this process's memory. Connects in the background.
 */
export function openKeyValue(options: OpenKeyValueOptions = {}): KeyValue {
  const { redisUrl = '', keyPrefix = '', log = silentLog } = options;
  if (redisUrl !== '') return redisKeyValue({ url: redisUrl, keyPrefix, log });
  return cluster.isWorker ? clusterKeyValue({ log }) : memoryKeyValue({ log });
}
