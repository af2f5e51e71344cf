export {
  type Broker,
  type BrokerHealth,
  BrokerUnavailable,
  type ConsumeRequest,
  type Consumption,
  type DeadLetter,
  deadLetterQueue,
  type Death,
  type Delivery,
  type IncomingMessage,
  type OutgoingMessage,
  type Publication,
  publishMax,
  type QueueDeclaration,
  type Take,
  type Topology,
} from './contract.ts';
export { type DomainEvent, eventIds, outboxColumns, recordEvents } from './outbox.ts';
export { hintOutbox } from './hints.ts';
export { createRelay, type Relay, type RelayOptions, type RelayTurn } from './relay.ts';
export { embeddedBroker, type EmbeddedBrokerOptions } from './embedded-broker.ts';
export { amqpUrlOf, parseAmqpUrl, type RabbitMqAddress } from './rabbitmq-address.ts';
export { rabbitBroker, type RabbitBrokerOptions } from './rabbitmq.ts';
export { type ConsumerOptions, type DeliveryResult, startConsumer, type Subscription } from './consumer.ts';
export { isTransient, Transient } from './transient.ts';
export { onceOnly, pruneInbox, pruneOutbox } from './inbox.ts';
export { outboxLag, type OutboxLag } from './lag.ts';
export { enqueueJob, type JobRequest, type ListedJob, listJobs, pruneJobs } from './jobs.ts';
export { type JobHandler, type JobResult, LeaseLost, type RunningJob } from './job-runner.ts';
export type { Schedule } from './schedules.ts';
export { nextRun, type Timing } from './timing.ts';
export { type Messaging, type MessagingOptions, openMessaging } from './open.ts';
