import type { Log } from '../kernel/index.ts';
import { deadLetterQueue, type QueueDeclaration, type Topology } from './contract.ts';
import type { RabbitChannel, RabbitLink } from './rabbitmq-link.ts';

/** The server has it with other arguments, or does not let us declare: then it is used as it is. */
const keeps = new Set(['PRECONDITION_FAILED', 'ACCESS_REFUSED']);

/** Declares the exchange, the queues, their dead-letter queues and their bindings, once a connection. */
export class RabbitTopology {
  readonly #link: RabbitLink;
  readonly #topology: Topology;
  readonly #log: Log;
  readonly #told = new Set<string>();
  #declared: { readonly epoch: number; readonly done: Promise<void> } | undefined;

  constructor(link: RabbitLink, topology: Topology, log: Log) {
    this.#link = link;
    this.#topology = topology;
    this.#log = log;
  }

  /** @throws BrokerUnavailable, or what the server said where something cannot be used at all */
  async ensure(): Promise<void> {
    const { epoch } = this.#link;
    if (this.#declared?.epoch !== epoch) this.#declared = { epoch, done: this.#declare() };
    try {
      await this.#declared.done;
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  /** Something of it turned out to be gone: it is declared again before the next use. */
  forget(): void {
    this.#declared = undefined;
  }

  async #declare(): Promise<void> {
    const { exchange, queues } = this.#topology;
    await this.#unlessKept(`exchange ${exchange}`, {
      declare: (channel) => channel.exchangeDeclare({ exchange, type: 'topic', durable: true }),
      use: (channel) => channel.exchangeDeclare({ exchange, type: 'topic', passive: true }),
    });
    for (const queue of queues) await this.#declareQueue(exchange, queue);
  }

  async #declareQueue(exchange: string, { queue, bindings }: QueueDeclaration): Promise<void> {
    for (const name of [queue, deadLetterQueue(queue)]) {
      await this.#unlessKept(`queue ${name}`, {
        declare: (channel) => channel.queueDeclare({ queue: name, durable: true }),
        use: (channel) => channel.queueDeclare({ queue: name, passive: true }),
      });
    }
    for (const routingKey of bindings) {
      await this.#unlessKept(`binding ${routingKey} of ${queue}`, {
        declare: (channel) => channel.queueBind({ exchange, queue, routingKey }),
        use: () => Promise.resolve(),
      });
    }
  }

  /** A refusal closes the channel, so each declaration has one of its own. */
  async #unlessKept(
    what: string,
    step: {
      readonly declare: (channel: RabbitChannel) => Promise<unknown>;
      readonly use: (channel: RabbitChannel) => Promise<unknown>;
    },
  ): Promise<void> {
    const refusal = await this.#refusalOf(step.declare);
    if (refusal === undefined) return;
    await this.#on(step.use);
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#log.warn({ what, reason: refusal }, 'The message broker has it otherwise than promised; it is used as it is');
  }

  /** Why the server keeps what it has; undefined where it has it now as we want it. */
  async #refusalOf(declare: (channel: RabbitChannel) => Promise<unknown>): Promise<string | undefined> {
    try {
      await this.#on(declare);
      return undefined;
    } catch (error) {
      if (!keeps.has(codeOf(error))) throw error;
      return this.#link.describe(error);
    }
  }

  async #on(work: (channel: RabbitChannel) => Promise<unknown>): Promise<void> {
    const channel = await this.#link.channel();
    try {
      await this.#link.answer(work(channel));
    } finally {
      void channel.close();
    }
  }
}

/** AMQP's name of a refusal, such as PRECONDITION_FAILED; empty where it is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
