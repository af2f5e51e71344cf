import { describe } from 'vitest';
import { brokerContract } from '../testing/broker-contract.ts';
import { realDatabases } from '../testing/index.ts';
import { embeddedBroker } from './embedded-broker.ts';
import { openMessagingWorld, ownTopology } from './test/messaging-world.ts';

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`queues in ${real.name}`, () => {
    brokerContract(async () => {
      const world = await openMessagingWorld(real);
      const topology = ownTopology();
      const options = { topology, pollMs: 50, leaseMs: 5_000 };
      const first = embeddedBroker({ ...options, database: world.database });
      const second = embeddedBroker({ ...options, database: world.open() });
      return {
        first,
        second,
        all: topology.all,
        payments: topology.payments,
        async close() {
          await Promise.all([first.close(), second.close()]);
          await world.close();
        },
      };
    });
  });
}
