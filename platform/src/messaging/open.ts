import type { Database } from '../database/index.ts';
import type { Clock, Log } from '../kernel/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { startConsumer, type Subscription } from './consumer.ts';
import type { Broker, Consumption, QueueDeclaration } from './contract.ts';
import { embeddedBroker } from './embedded-broker.ts';
import { pruneInbox } from './inbox.ts';
import { pruneJobs } from './jobs.ts';
import { createJobRunner, type JobHandler, type JobRunner } from './job-runner.ts';
import { messagingMetrics } from './metrics.ts';
import { rabbitBroker } from './rabbitmq.ts';
import { createRelay, type Relay } from './relay.ts';
import { createScheduler, type Schedule, type Scheduler } from './schedules.ts';
import { within } from './within.ts';

export interface MessagingOptions {
  /** The service's name. */
  readonly name: string;
  readonly database: Database;
  /** `amqp://…`; without it queues are kept in the database. */
  readonly brokerUrl: string | undefined;
  readonly exchange: string;
  readonly subscriptions: readonly (QueueDeclaration & Subscription)[];
  readonly jobs: Readonly<Record<string, JobHandler>>;
  readonly schedules: readonly Schedule[];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The messaging of one service in one process. */
export interface Messaging {
  readonly broker: Broker;
  /** The queues that the service consumes. */
  readonly queues: readonly string[];
  /** Relays events, and runs jobs and schedules; consumes as well where that is asked for. */
  start(what: { readonly consumes: boolean }): void;
  /** May be called twice. Ends what runs; events that were committed are relayed before, if the broker takes them within the time. */
  stop(timeoutMs: number): Promise<void>;
}

/** Puts the parts of messaging together; nothing runs yet, but RabbitMQ is connected to in the background. */
export function openMessaging(options: MessagingOptions): Messaging {
  const { name, database, brokerUrl, exchange, subscriptions, log } = options;
  const topology = { exchange, queues: subscriptions.map(({ queue, bindings }) => ({ queue, bindings })) };
  const broker =
    brokerUrl === undefined
      ? embeddedBroker({ database, topology, log })
      : rabbitBroker({ url: brokerUrl, topology, log, name: `quinta ${name}` });
  return new ServiceMessaging(options, broker);
}

class ServiceMessaging implements Messaging {
  readonly broker: Broker;
  readonly #options: MessagingOptions;
  #relay: Relay | undefined;
  #runner: JobRunner | undefined;
  #scheduler: Scheduler | undefined;
  #consumers: readonly Consumption[] = [];
  #stopped: Promise<void> | undefined;
  #housekeeping: NodeJS.Timeout | undefined;

  constructor(options: MessagingOptions, broker: Broker) {
    this.#options = options;
    this.broker = broker;
  }

  get queues(): readonly string[] {
    return this.#options.subscriptions.map(({ queue }) => queue);
  }

  start({ consumes }: { readonly consumes: boolean }): void {
    const { database, log, metrics, clock, jobs, schedules, subscriptions } = this.#options;
    const { broker } = this;
    const handlers = new Map(Object.entries(jobs));
    const told = messagingMetrics(metrics, database, broker, handlers.size > 0);
    this.#relay = createRelay({ database, broker, log, observe: (turn) => told.turn(turn) });
    this.#relay.start();
    if (handlers.size > 0) {
      this.#runner = createJobRunner({ database, handlers, log, observe: told.job });
      this.#runner.start();
    }
    if (schedules.length > 0) {
      this.#scheduler = createScheduler({ database, schedules, clock, log });
      this.#scheduler.start();
    }
    this.#housekeeping = setInterval(() => void this.#keepHouse(), housekeepingMs).unref();
    if (!consumes) return;
    this.#consumers = subscriptions.map((subscription) =>
      startConsumer({ broker, subscription, log, observe: told.delivery }),
    );
  }

  stop(timeoutMs: number): Promise<void> {
    return (this.#stopped ??= this.#stop(performance.now() + timeoutMs));
  }

  async #keepHouse(): Promise<void> {
    const { database, clock, log, jobs } = this.#options;
    const before = new Date(clock.now().getTime() - keptMs);
    try {
      for (let round = 0; round < roundsMax && (await pruneInbox(database, before)) > 0;) round += 1;
      if (Object.keys(jobs).length === 0) return;
      for (let round = 0; round < roundsMax && (await pruneJobs(database, before)) > 0;) round += 1;
    } catch (error) {
      log.warn({ error }, 'What messaging remembers could not be pruned and will be in an hour');
    }
  }

  async #stop(endMs: number): Promise<void> {
    clearInterval(this.#housekeeping);
    await this.#scheduler?.stop();
    await this.#runner?.stop(leftMs(endMs));
    try {
      await inTime(Promise.all(this.#consumers.map((consumer) => consumer.stop())), endMs);
      if (this.#relay && this.broker.health.isUp) await inTime(this.#relay.relayNow(), endMs);
      await this.#relay?.stop();
      await inTime(this.broker.close(), endMs);
    } catch (error) {
      this.#options.log.warn({ error }, 'Messaging was stopped before it had come to rest; nothing of it is lost');
      void this.#relay?.stop();
    }
  }
}

/** Messages and jobs that ended are remembered for so long; published events for ever, unless a service prunes them. */
const keptMs = 30 * 86_400_000;
const housekeepingMs = 3_600_000;
/** Deletions of a thousand rows in one go of an hour. */
const roundsMax = 100;

/** However late it is, what ends by itself gets a moment. */
const momentMs = 1_000;

function leftMs(endMs: number): number {
  return Math.max(endMs - performance.now(), momentMs);
}

function inTime<T>(work: Promise<T>, endMs: number): Promise<T> {
  return within(work, leftMs(endMs), () => new Error('The time to stop was over'));
}
