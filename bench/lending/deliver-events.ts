import { openDatabase, readStatement } from '../../platform/src/database/index.ts';
import { operatorContext, silentLog, systemClock } from '../../platform/src/kernel/index.ts';
import {
  createRelay,
  embeddedBroker,
  rabbitBroker,
  recordEvents,
  startConsumer,
} from '../../platform/src/messaging/index.ts';
import { until } from '../stage/until.ts';

/**
 * How fast one process writes events to the outbox, and how fast it relays and handles them: through queues in the
 * database, or through RabbitMQ where BROKER_URL names one. Run by the bench as a program of its own:
 * `deliver-events.ts <seconds> <events a lap>`, with DATABASE_URL.
 */
const [seconds = NaN, lap = NaN] = process.argv.slice(2).map(Number);
const eventsPerCommit = 100;
const keys = 1_000;
const prefetch = 100;
const lapTimeoutMs = 120_000;
const queue = 'bench_events';
const topology = { exchange: 'bench_exchange', queues: [{ queue, bindings: ['sofipo.#'] }] };

const database = openDatabase({ url: process.env['DATABASE_URL'] ?? '', connectionsMax: 8 });
const brokerUrl = process.env['BROKER_URL'] ?? '';
const broker = brokerUrl === '' ? embeddedBroker({ database, topology }) : rabbitBroker({ url: brokerUrl, topology });
const relay = createRelay({ database, broker, log: silentLog });
const context = operatorContext({ clock: systemClock, log: silentLog }, 'bench.deliver');
const countWaiting = readStatement<[], { count: number }>(
  'bench.waiting',
  `select (select count(*)::int from outbox where published_at is null)
        + (select count(*)::int from queue_messages) as count`,
);

async function writeLap(): Promise<void> {
  for (let first = 0; first < lap; first += eventsPerCommit) {
    const events = Array.from({ length: Math.min(eventsPerCommit, lap - first) }, (_, next) => ({
      type: 'payment_registered',
      routingKey: 'sofipo.payment.registered',
      entityId: `payment-${first + next}`,
      orderKey: `loan-${(first + next) % keys}`,
      payload: { loan_id: `loan-${(first + next) % keys}`, amount: '1000.00', split: { interest: '1000.00' } },
    }));
    await database.transact((tx) => recordEvents(tx, context, events));
  }
}

let handled = 0;

/** From the first relayed event to the moment in which nothing waits anywhere. */
async function deliverLap(): Promise<void> {
  const aim = handled + lap;
  const handle = (messages: readonly unknown[]): Promise<void> => {
    handled += messages.length;
    return Promise.resolve();
  };
  const consumption = startConsumer({ broker, subscription: { queue, prefetch, handle }, log: silentLog });
  await relay.relayNow();
  const signal = AbortSignal.timeout(lapTimeoutMs);
  const isDone = async (): Promise<true | undefined> => {
    if (handled < aim) return undefined;
    return (await database.run(countWaiting, [])).rows[0]?.count === 0 ? true : undefined;
  };
  await until('every event is handled', isDone, { timeoutMs: lapTimeoutMs, signal, pollMs: 2 });
  await consumption.stop();
  if (handled !== aim) throw new Error(`${handled} events were handled instead of ${aim}`);
}

if (brokerUrl !== '') {
  const signal = AbortSignal.timeout(lapTimeoutMs);
  await until('RabbitMQ answers', () => (broker.health.isUp ? true : undefined), { timeoutMs: lapTimeoutMs, signal });
}
const startedMs = performance.now();
let [writingMs, deliveringMs, events] = [0, 0, 0];
while (performance.now() - startedMs < seconds * 1_000) {
  const beforeMs = performance.now();
  await writeLap();
  const writtenMs = performance.now();
  await deliverLap();
  writingMs += writtenMs - beforeMs;
  deliveringMs += performance.now() - writtenMs;
  events += lap;
}
await relay.stop();
await broker.close();
await database.close();
const rateIn = (durationMs: number): number => events / (durationMs / 1_000);
console.log(
  JSON.stringify({
    perSecond: rateIn(writingMs + deliveringMs),
    written: rateIn(writingMs),
    delivered: rateIn(deliveringMs),
  }),
);
