export { type FuzzOptions, type FuzzReport, fuzzService } from './fuzz.ts';
export { type HostileExchange, hostileExchanges, slowHeaders } from './fuzz-sockets.ts';
export { type RealDatabaseCase, realDatabases, type ThrowAwayDatabase } from './real-databases.ts';
export { PrivateRedis, redisProgram } from '../keyvalue/test/real-redis.ts';
export { call, type HttpAnswer, type HttpCall } from './http-client.ts';
export {
  openServiceWorld,
  openTestDatabase,
  type ServiceWorld,
  type TestDatabase,
  type WorldOptions,
} from './service-world.ts';
