/** Four real workers under this process as their primary. */

import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type MetricsGathering, serveMetrics } from './index.ts';

let gathering: MetricsGathering;
let workers: Worker[] = [];

beforeEach(async () => {
  cluster.setupPrimary({
    exec: fileURLToPath(new URL('fixtures/metrics-worker.ts', import.meta.url)),
    execArgv: [],
    silent: true,
  });
  gathering = serveMetrics();
  workers = Array.from({ length: 4 }, () => cluster.fork());
  await Promise.all(workers.map((worker, index) => tell(worker, 'add', index + 1)));
});

afterEach(async () => {
  await Promise.all(workers.map(kill));
  gathering.close();
});

async function kill(worker: Worker): Promise<void> {
  if (worker.isDead()) return;
  const exited = once(worker, 'exit');
  worker.process.kill('SIGKILL');
  await exited;
}

/** Has a worker do something and resolves to what it says. */
function tell(worker: Worker | undefined, command: 'add' | 'expose' | 'close', by = 0): Promise<string> {
  if (!worker) throw new Error('no such worker');
  const { promise, resolve } = Promise.withResolvers<string>();
  const onMessage = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || !('done' in message) || message.done !== command) return;
    worker.off('message', onMessage);
    resolve('text' in message ? String(message.text) : '');
  };
  worker.on('message', onMessage);
  worker.send({ command, by });
  return promise;
}

function valueOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

const missing = 'quinta_metrics_workers_missing';
const vales = 'test_vales_total{service="mexa"}';
const openTotal = 'test_open_total{service="mexa"}';
const highest = 'test_highest{service="mexa"}';

test('any worker shows the sum of all', async () => {
  const texts = await Promise.all(workers.map((worker) => tell(worker, 'expose')));
  for (const text of texts) {
    expect(valueOf(text, vales)).toBe(10);
    expect(valueOf(text, openTotal)).toBe(10);
    expect(valueOf(text, highest)).toBe(4);
    expect(valueOf(text, 'test_duration_seconds_bucket{le="1",service="mexa"}')).toBe(1);
    expect(valueOf(text, 'test_duration_seconds_bucket{le="+Inf",service="mexa"}')).toBe(4);
    expect(valueOf(text, 'test_duration_seconds_sum{service="mexa"}')).toBe(10);
    const labels = '{service="mexa",route="/vales/:id",method="GET",status="200"}';
    expect(valueOf(text, `quinta_http_requests_total${labels}`)).toBe(4);
    expect(valueOf(text, missing)).toBe(0);
    expect(text).not.toMatch(/ (null|undefined|NaN|Nan)$/m);
  }
});

test('a worker that hangs is left out and counted, and its counts do not go back', async () => {
  await gathering.exposition();
  const [hung, asking] = workers;
  hung?.process.kill('SIGSTOP');
  const text = await tell(asking, 'expose');
  expect(valueOf(text, missing)).toBe(1);
  expect(valueOf(text, vales)).toBe(10);
  expect(valueOf(text, openTotal)).toBe(9);
  hung?.process.kill('SIGCONT');
  await vi.waitFor(async () => expect(valueOf(await tell(asking, 'expose'), missing)).toBe(0), { timeout: 20_000 });
});

test('a worker that hung before its first word is only counted', async () => {
  const [hung, asking] = workers;
  hung?.process.kill('SIGSTOP');
  const text = await tell(asking, 'expose');
  expect(valueOf(text, missing)).toBe(1);
  expect(valueOf(text, vales)).toBe(9);
});

test('a worker that ends while it is asked is no longer waited for, and its counts stay', async () => {
  await gathering.exposition();
  const [dying, asking] = workers;
  if (!dying) throw new Error('no workers');
  dying.process.kill('SIGSTOP');
  const [text] = await Promise.all([tell(asking, 'expose'), kill(dying)]);
  expect(valueOf(text, missing)).toBe(0);
  expect(valueOf(text, vales)).toBe(10);
});

test('counts of workers that ended stay, and one that takes their place adds to them', async () => {
  await gathering.exposition();
  const [killed, closing, asking] = workers;
  if (!killed || !closing) throw new Error('no workers');
  await kill(killed);
  await tell(closing, 'add', 100);
  await tell(closing, 'close');
  const closedText = await tell(asking, 'expose');
  expect(valueOf(closedText, vales)).toBe(110);
  expect(valueOf(closedText, missing)).toBe(0);
  await kill(closing);
  const replacement = cluster.fork();
  workers.push(replacement);
  await tell(replacement, 'add', 1000);
  await vi.waitFor(
    async () => {
      const text = await tell(asking, 'expose');
      expect(valueOf(text, vales)).toBe(1110);
      expect(valueOf(text, openTotal)).toBe(1007);
    },
    { timeout: 20_000 },
  );
  expect(valueOf((await gathering.exposition()).text, vales)).toBe(1110);
});

test('without an answer from the primary a worker says so rather than show a part', async () => {
  gathering.close();
  expect(await tell(workers[0], 'expose')).toBe('metrics_unavailable');
});
