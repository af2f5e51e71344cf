import { describe } from 'vitest';
import { brokerContract } from '../testing/broker-contract.ts';
import { rabbitBroker } from './rabbitmq.ts';
import { ownTopology } from './test/messaging-world.ts';
import { realRabbitMq, removeTopology } from './test/real-rabbitmq.ts';

const rabbit = await realRabbitMq();

describe.skipIf(rabbit.unreachable !== undefined)(rabbit.name, () => {
  brokerContract(async () => {
    const topology = ownTopology();
    const open = () => rabbitBroker({ url: rabbit.url, topology });
    const [first, second] = [open(), open()];
    return {
      first,
      second,
      all: topology.all,
      payments: topology.payments,
      async close() {
        await Promise.all([first.close(), second.close()]);
        await removeTopology(rabbit.url, topology);
      },
    };
  });
});
