export { type FuzzOptions, type FuzzReport, fuzzService } from './fuzz.ts';
export { knownUuids } from './fuzz-values.ts';
export { type HostileExchange, hostileExchanges, slowHeaders } from './fuzz-sockets.ts';
export { type RealDatabaseCase, realDatabases, type ThrowAwayDatabase } from './real-databases.ts';
export { type PairedServer, type ReplicatedPair, startReplicatedPair } from './replicated-pair.ts';
export { PrivateRedis, redisProgram } from '../keyvalue/test/real-redis.ts';
export { type SmallApp, smallMessagingService, writeNotes } from './small-messaging-service.ts';
export { ownTopology } from '../messaging/test/messaging-world.ts';
export { realRabbitMq, removeTopology, withRabbit } from '../messaging/test/real-rabbitmq.ts';
export { type KeptLog, keptLog } from '../keyvalue/test/kept-log.ts';
export { call, type HttpAnswer, type HttpCall } from './http-client.ts';
export {
  openServiceWorld,
  openTestDatabase,
  type ServiceWorld,
  type TestDatabase,
  type WorldOptions,
} from './service-world.ts';
export { txWith } from './tx-with.ts';
