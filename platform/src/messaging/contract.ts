/**
 * The broker port: how events leave a service and come to whoever listens. Two adapters pass one contract suite:
 * RabbitMQ, and queues in the service's own database. At least once on both sides; in order for each order key as long
 * as one relay at a time publishes a key.
 */

/** What is declared: durable, as a README promised it, and left as it is where it exists otherwise. */
export interface Topology {
  /** A durable topic exchange. */
  readonly exchange: string;
  readonly queues: readonly QueueDeclaration[];
}

export interface QueueDeclaration {
  /** A durable queue. What cannot be handled goes to the queue of this name with `.dlq` behind it. */
  readonly queue: string;
  /** Patterns of routing keys: `*` is one word, `#` any number of words. */
  readonly bindings: readonly string[];
}

export interface OutgoingMessage {
  /** The event's id; the same at each repetition. */
  readonly id: string;
  readonly eventType: string;
  readonly routingKey: string;
  /** Messages of one key are delivered in the order in which they are published. */
  readonly orderKey: string;
  /** JSON. */
  readonly body: string;
  readonly occurredAt: Date;
}

/**
 * What became of a message: the broker has it safely; the broker refused it, alone; or it is `pending`, because an
 * earlier one of its key was not confirmed or the connection went. A pending one may have arrived all the same.
 */
export type Publication =
  | { readonly state: 'confirmed' }
  | { readonly state: 'refused'; readonly reason: string }
  | { readonly state: 'pending' };

export interface IncomingMessage {
  /** For an inbox: the same however often the message comes. */
  readonly id: string;
  readonly eventType: string;
  readonly routingKey: string;
  readonly occurredAt: Date | undefined;
  /** The body's text, as it came; nobody has looked whether it is JSON. */
  readonly body: string;
  /** Whether it was delivered before, as far as the broker knows. */
  readonly isRedelivered: boolean;
}

/** A message that waits for its settlement. */
export interface Delivery {
  readonly message: IncomingMessage;
  /** It was handled: it never comes again, unless that news is lost. */
  done(): Promise<void>;
  /** It can never be handled: it goes to the dead letters, and only then leaves the queue. */
  bury(death: Death): Promise<void>;
}

/** Why a message died. */
export interface Death {
  readonly reason: string;
  readonly attempts: number;
  readonly firstTriedAt: Date;
}

export interface DeadLetter {
  readonly id: string;
  readonly queue: string;
  readonly eventType: string;
  readonly routingKey: string;
  readonly reason: string;
  readonly attempts: number;
  readonly firstTriedAt: Date | undefined;
  readonly diedAt: Date | undefined;
  readonly body: string;
}

export interface ConsumeRequest {
  readonly queue: string;
  /** The most that is taken at once; 1 is one message after the other. */
  readonly prefetch: number;
}

/**
 * Settles deliveries that came in this order. What it leaves unsettled comes again, in place. The signal says that they
 * are not ours any more (the connection or the lease is lost, or we stop): settling is then in vain, not wrong.
 */
export type Take = (deliveries: readonly Delivery[], signal: AbortSignal) => Promise<void>;

export interface Consumption {
  /** Takes nothing new; resolves when what was taken has been let go of. */
  stop(): Promise<void>;
}

export interface BrokerHealth {
  readonly isUp: boolean;
  /** Why it is down, without any secret. */
  readonly reason?: string;
}

export interface Broker {
  readonly kind: 'rabbitmq' | 'embedded';
  readonly topology: Topology;
  /** Never rejects because of the broker: what became of each message, in the order given. At most `publishMax`. */
  publish(messages: readonly OutgoingMessage[]): Promise<readonly Publication[]>;
  /**
   * Takes messages of a queue, oldest first, one batch after the other, over lost connections and for ever. Of several
   * processes one consumes a queue at a time, so that order holds; another one takes over when it is gone.
   */
  consume(request: ConsumeRequest, take: Take): Consumption;
  /** Dead letters, oldest first, and left where they are. @throws BrokerUnavailable */
  deadLetters(queue: string, page: { readonly limit: number }): Promise<readonly DeadLetter[]>;
  /** Puts one dead letter, or the oldest `limit` of them, back into its queue; says how many. @throws BrokerUnavailable */
  replay(queue: string, which: { readonly id?: string; readonly limit: number }): Promise<number>;
  readonly health: BrokerHealth;
  /** Tells each change of the health. Returns what ends it. */
  watchHealth(listener: (health: BrokerHealth) => void): () => void;
  /** A round trip; resolves to milliseconds. @throws BrokerUnavailable */
  ping(): Promise<number>;
  close(): Promise<void>;
}

/** The most messages of one `publish`. */
export const publishMax = 500;

/** The name of the queue where the dead letters of a queue lie. */
export function deadLetterQueue(queue: string): string {
  return `${queue}.dlq`;
}

/** The broker cannot be reached, or did not answer in time. */
export class BrokerUnavailable extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(`The message broker cannot be used at the moment: ${reason}`, options);
    this.name = 'BrokerUnavailable';
  }
}
