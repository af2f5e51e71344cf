import { openDatabase } from '../../database/index.ts';
import { silentLog } from '../../kernel/index.ts';
import type { Broker } from '../contract.ts';
import { embeddedBroker } from '../embedded-broker.ts';
import { rabbitBroker } from '../rabbitmq.ts';
import { createRelay } from '../relay.ts';

/** A process that relays, and gets a signal once: right behind the broker's confirm, before anything is marked. */
const [databaseUrl = '', brokerUrl = '', topologyText = '{}', signal = 'SIGKILL'] = process.argv.slice(2);
const topology = JSON.parse(topologyText) as Broker['topology'];
const database = openDatabase({ url: databaseUrl, connectionsMax: 2, statementTimeoutMs: 300 });
const broker = brokerUrl === '' ? embeddedBroker({ database, topology }) : rabbitBroker({ url: brokerUrl, topology });

let isSpared = false;
const struck: Broker = {
  ...broker,
  get health() {
    return broker.health;
  },
  publish: async (messages) => {
    const publications = await broker.publish(messages);
    const isDone = publications.every(({ state }) => state === 'confirmed');
    if (!isDone || isSpared) return publications;
    isSpared = true;
    process.kill(process.pid, signal);
    return publications;
  },
};

createRelay({ database, broker: struck, log: silentLog, pollMs: 20 }).start();
