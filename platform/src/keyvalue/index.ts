export {
  answerTimeoutMs,
  type Health,
  type KeyValue,
  KeyValueUnavailable,
  type Lifetime,
  type Lock,
  type Subscriber,
  type Subscription,
  type TakeLimit,
  type TakeResult,
} from './contract.ts';
export { keysPerCallMax, limitMax } from './bounds.ts';
export { HealthWatch } from './health.ts';
export { within } from './within.ts';
export type { ServableKeyValue } from './backend.ts';
export { memoryKeyValue, type MemoryOptions } from './memory.ts';
export { clusterKeyValue, type ClusterOptions } from './cluster.ts';
export { serveKeyValue } from './cluster-primary.ts';
export { redisKeyValue, type RedisKeyValueOptions } from './redis.ts';
export { openKeyValue, type OpenKeyValueOptions } from './open.ts';
export { type HeldLock, LockBusy, withLock, type WithLockOptions } from './with-lock.ts';
export {
  type Cache,
  type Cached,
  type CacheOptions,
  type CacheRequest,
  type CacheStatus,
  createCache,
} from './cache.ts';
export type { CacheCodec } from './cache-entries.ts';
export { createLimiter, type LimitDecision, type Limiter, type LimiterOptions, type LimitPolicy } from './limiter.ts';
