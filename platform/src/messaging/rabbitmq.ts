import { type Log, silentLog } from '../kernel/index.ts';
import type { Broker, Consumption, Topology } from './contract.ts';
import { parseAmqpUrl } from './rabbitmq-address.ts';
import { RabbitConsumption } from './rabbitmq-consumption.ts';
import { listDead, replayDead } from './rabbitmq-dead-letters.ts';
import { RabbitLink } from './rabbitmq-link.ts';
import { RabbitPublisher } from './rabbitmq-publisher.ts';
import { RabbitTopology } from './rabbitmq-topology.ts';

export interface RabbitBrokerOptions {
  /** `amqp://user:password@host:port/vhost`, or `amqps://` for TLS. */
  readonly url: string;
  readonly topology: Topology;
  readonly log?: Log;
  /** Shown by the server beside our connections; default `quinta`. */
  readonly name?: string;
  /** How long one answer of the server may take; default 10,000. */
  readonly timeoutMs?: number;
}

const timeoutMsDefault = 10_000;

/**
 * RabbitMQ 3.8 or later. Connects in the background and again for ever; a server that is down is no error here.
 * Publishing and consuming have a connection each: a server that is short of memory stops the one that publishes, and
 * what was handled can still be acknowledged over the other. Throws a RangeError where the URL is none.
 */
export function rabbitBroker(options: RabbitBrokerOptions): Broker {
  const { topology, log = silentLog, name = 'quinta', timeoutMs = timeoutMsDefault } = options;
  const address = parseAmqpUrl(options.url);
  const linkTo = (purpose: string): RabbitLink =>
    new RabbitLink({ address, name: `${name} ${purpose}`, log, timeoutMs });
  const link = linkTo('publisher');
  const declared = new RabbitTopology(link, topology, log);
  const publisher = new RabbitPublisher({ link, topology, declared, log });
  let consuming: { readonly link: RabbitLink; readonly declared: RabbitTopology } | undefined;
  const consumptions = new Set<Consumption>();
  const ensured = (): Promise<void> => declared.ensure();
  return {
    kind: 'rabbitmq',
    topology,
    get health() {
      return link.health;
    },
    watchHealth: (listener) => link.watchHealth(listener),
    ping: () => ping(link),
    publish: (messages) => publisher.publish(messages),
    consume: (request, take) => {
      consuming ??= consumingOver(linkTo('consumer'), topology, log);
      const consumption = new RabbitConsumption({ ...consuming, publisher, log, request, take });
      consumptions.add(consumption);
      return consumption;
    },
    deadLetters: async (queue, { limit }) => {
      await ensured();
      return listDead(link, queue, limit);
    },
    replay: async (queue, which) => {
      await ensured();
      return replayDead({ link, publisher }, queue, which);
    },
    close: async () => {
      await Promise.all([...consumptions].map((consumption) => consumption.stop()));
      await publisher.close();
      await Promise.all([link.close(), consuming?.link.close()]);
    },
  };
}

function consumingOver(link: RabbitLink, topology: Topology, log: Log) {
  return { link, declared: new RabbitTopology(link, topology, log) };
}

async function ping(link: RabbitLink): Promise<number> {
  const startedMs = performance.now();
  const channel = await link.channel();
  void channel.close();
  return performance.now() - startedMs;
}
