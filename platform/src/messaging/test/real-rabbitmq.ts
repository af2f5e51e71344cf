import { Connection } from 'rabbitmq-client';
import { deadLetterQueue, type Topology } from '../contract.ts';

/** A RabbitMQ that a suite may run on: `describe.skipIf(rabbit.unreachable !== undefined)(rabbit.name, …)`. */
export interface RealRabbitMq {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  /** Why the suite must be skipped. */
  readonly unreachable: string | undefined;
}

/** QUINTA_TEST_RABBITMQ_URL, or the local server. Printed when absent; an error with QUINTA_TEST_REQUIRE_REAL=1. */
export async function realRabbitMq(): Promise<RealRabbitMq> {
  const url = process.env['QUINTA_TEST_RABBITMQ_URL'] ?? 'amqp://guest:guest@127.0.0.1:5672';
  const port = Number(new URL(url).port || 5_672);
  try {
    await withRabbit(url, () => Promise.resolve());
    return { name: 'RabbitMQ', url, port, unreachable: undefined };
  } catch (error) {
    const reason = `RabbitMQ: ${error instanceof Error ? error.message : String(error)}`;
    const hint = 'set QUINTA_TEST_RABBITMQ_URL';
    if (process.env['QUINTA_TEST_REQUIRE_REAL'] === '1') throw new Error(`${reason}; ${hint}`, { cause: error });
    process.stderr.write(`Tests on RabbitMQ are skipped: ${reason}; ${hint}.\n`);
    return { name: `RabbitMQ (skipped: ${reason})`, url, port, unreachable: reason };
  }
}

/** The driver alone, to look at what the adapter left in the server. */
export async function withRabbit<T>(url: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = new Connection(url);
  connection.on('error', () => undefined); // the call that failed says it
  try {
    await connection.onConnect(5_000, true);
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** Takes away what a topology has declared. */
export async function removeTopology(url: string, { exchange, queues }: Topology): Promise<void> {
  await withRabbit(url, async (connection) => {
    for (const { queue } of queues) {
      await connection.queueDelete(queue);
      await connection.queueDelete(deadLetterQueue(queue));
    }
    await connection.exchangeDelete({ exchange });
  });
}
