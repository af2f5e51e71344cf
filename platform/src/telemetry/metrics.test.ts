import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { createMetrics, type Metrics } from './index.ts';

let made: Metrics[] = [];

afterEach(async () => {
  await Promise.all(made.map((metrics) => metrics.close()));
  made = [];
});

function create(service = 'mexa'): Metrics {
  const metrics = createMetrics({ service });
  made.push(metrics);
  return metrics;
}

/** The lines of one metric, without its comments. */
async function seriesOf(metrics: Metrics, name: string): Promise<string[]> {
  const { text } = await metrics.exposition();
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

const answered = { route: '/vales/:id', method: 'GET', status: 200, durationSeconds: 0.02 };

test('an answered request is counted and timed by service, route, method and status', async () => {
  const metrics = create();
  metrics.observeRequest(answered);
  metrics.observeRequest(answered);
  metrics.observeRequest({ ...answered, status: 404 });
  const labels = 'service="mexa",route="/vales/:id",method="GET",status="200"';
  expect(await seriesOf(metrics, 'quinta_http_requests_total')).toEqual([
    `quinta_http_requests_total{${labels}} 2`,
    `quinta_http_requests_total{${labels.replace('200', '404')}} 1`,
  ]);
  const buckets = await seriesOf(metrics, 'quinta_http_request_duration_seconds_bucket');
  const ofBound = (bound: string): string | undefined =>
    buckets.find((line) => line.includes(`le="${bound}"`) && line.includes('status="200"'));
  expect(ofBound('0.01')).toMatch(/ 0$/);
  expect(ofBound('0.025')).toMatch(/ 2$/);
  expect(ofBound('+Inf')).toMatch(/ 2$/);
  const [sum] = await seriesOf(metrics, 'quinta_http_request_duration_seconds_sum');
  expect(sum).toMatch(/ 0\.04$/);
});

test('methods, paths and statuses of bad clients make no series of their own', async () => {
  const metrics = create();
  const sample = fc.record({
    route: fc.constant(undefined),
    method: fc.string().filter((method) => !/^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/.test(method)),
    status: fc.constantFrom(0, -1, 99, 600, Number.NaN, Number.POSITIVE_INFINITY),
    durationSeconds: fc.double(),
  });
  fc.assert(
    fc.property(sample, (bad) => {
      expect(() => metrics.observeRequest(bad)).not.toThrow();
    }),
  );
  const series = await seriesOf(metrics, 'quinta_http_requests_total');
  expect(series).toEqual([
    'quinta_http_requests_total{service="mexa",route="unmatched",method="OTHER",status="OTHER"} 100',
  ]);
});

test('the number of series of any metric is bounded, and nothing goes uncounted', async () => {
  const metrics = create();
  const visits = metrics.counter('test_visits_total', 'Visits.', ['who']);
  for (let visitor = 0; visitor < 5000; visitor += 1) visits.add({ who: `visitor ${visitor}` });
  const series = await seriesOf(metrics, 'test_visits_total');
  expect(series).toHaveLength(2001);
  expect(series).toContain('test_visits_total{service="mexa",who="OTHER"} 3000');
});

test('the series of a histogram are bounded too, for each service its own', async () => {
  const metrics = create();
  const sofipo = metrics.forService('sofipo');
  const of = (one: Metrics): { observe(labels: { who: string }, value: number): void } =>
    one.histogram('test_seconds', 'Durations.', { labelNames: ['who'], buckets: [1] });
  for (let visitor = 0; visitor < 2100; visitor += 1) of(metrics).observe({ who: `visitor ${visitor}` }, 0.5);
  of(sofipo).observe({ who: 'late' }, 2);
  of(sofipo).observe({ who: 'later' }, 0.5);
  of(metrics).observe({ who: 'visitor 0' }, 3);
  const counts = await seriesOf(metrics, 'test_seconds_count');
  expect(counts).toHaveLength(2002);
  expect(counts).toContain('test_seconds_count{service="mexa",who="OTHER"} 100');
  expect(counts).toContain('test_seconds_count{service="mexa",who="visitor 0"} 2');
  expect(counts).toContain('test_seconds_count{service="sofipo",who="OTHER"} 2');
  expect(await seriesOf(metrics, 'test_seconds_sum')).toContain('test_seconds_sum{service="sofipo",who="OTHER"} 2.5');
});

test('a histogram puts a value on a bound into its bucket, and shows buckets, sum and count', async () => {
  const metrics = create();
  const histogram = metrics.histogram('test_bytes', 'Bytes.', { buckets: [10, 100] });
  for (const value of [0, 10, 10.5, 100, 1000]) histogram.observe({}, value);
  const { text } = await metrics.exposition();
  const lines = text.split('\n').filter((line) => line.includes('test_bytes'));
  expect(lines).toEqual([
    '# HELP test_bytes Bytes.',
    '# TYPE test_bytes histogram',
    'test_bytes_bucket{le="10",service="mexa"} 2',
    'test_bytes_bucket{le="100",service="mexa"} 4',
    'test_bytes_bucket{le="+Inf",service="mexa"} 5',
    'test_bytes_sum{service="mexa"} 1120.5',
    'test_bytes_count{service="mexa"} 5',
  ]);
});

test.each([['no name'], ['1st'], ['']])('%j is no name of a metric, nor of a label', (word) => {
  const metrics = create();
  expect(() => metrics.counter(word, 'Help.')).toThrow(/is no name/);
  expect(() => metrics.histogram('test_seconds', 'Help.', { labelNames: [word] })).toThrow(/is no name/);
});

test('services of one process share a registry', async () => {
  const mexa = create();
  const sofipo = mexa.forService('sofipo');
  for (const metrics of [mexa, sofipo]) {
    metrics.observeRequest(answered);
    metrics.counter('test_total', 'Tests.').add({}, 2);
    metrics.counter('test_total', 'Tests.').add({});
    metrics.gauge('test_size', 'A size.', () => metrics.service.length);
  }
  expect(await seriesOf(mexa, 'test_total')).toEqual([
    'test_total{service="mexa"} 3',
    'test_total{service="sofipo"} 3',
  ]);
  expect(await seriesOf(sofipo, 'test_size')).toEqual(['test_size{service="mexa"} 4', 'test_size{service="sofipo"} 6']);
  expect(await mexa.exposition()).toMatchObject({ contentType: 'text/plain; version=0.0.4; charset=utf-8' });
});

test('a gauge is read at each scrape, and labels that are gone are gone', async () => {
  const metrics = create();
  let queues = ['mail', 'payments'];
  metrics.gauge('test_waiting', 'Waiting.', () => queues.map((queue) => ({ labels: { queue }, value: queue.length })), {
    labelNames: ['queue'],
  });
  const mail = 'test_waiting{queue="mail",service="mexa"} 4';
  expect(await seriesOf(metrics, 'test_waiting')).toEqual([mail, 'test_waiting{queue="payments",service="mexa"} 8']);
  queues = ['mail'];
  expect(await seriesOf(metrics, 'test_waiting')).toEqual([mail]);
});

test('a gauge that throws, rejects, hangs or knows nothing leaves the others alone', async () => {
  const metrics = create();
  metrics.gauge('test_throws', 'Throws.', () => {
    throw new Error('no');
  });
  metrics.gauge('test_rejects', 'Rejects.', () => Promise.reject(new Error('no')));
  metrics.gauge('test_hangs', 'Hangs.', () => new Promise<number>(() => undefined));
  metrics.gauge('test_not_a_number', 'None.', () => Number.NaN);
  metrics.gauge('test_good', 'Good.', async () => 7);
  expect(await seriesOf(metrics, 'test_good')).toEqual(['test_good{service="mexa"} 7']);
  for (const name of ['test_throws', 'test_rejects', 'test_hangs', 'test_not_a_number']) {
    expect(await seriesOf(metrics, name)).toEqual([]);
  }
  const failed = await seriesOf(metrics, 'quinta_metrics_readings_failed_total');
  expect(failed.map((line) => line.replace(/\d+$/, 'n'))).toEqual([
    'quinta_metrics_readings_failed_total{metric="test_throws"} n',
    'quinta_metrics_readings_failed_total{metric="test_rejects"} n',
    'quinta_metrics_readings_failed_total{metric="test_hangs"} n',
  ]);
});

test('a histogram and a counter leave out what is no amount', async () => {
  const metrics = create();
  const counter = metrics.counter('test_total', 'Tests.');
  const histogram = metrics.histogram('test_bytes', 'Bytes.', { buckets: [10, 100] });
  for (const value of [Number.NaN, -1, Number.POSITIVE_INFINITY, 50]) {
    counter.add({}, value);
    histogram.observe({}, value);
  }
  expect(await seriesOf(metrics, 'test_total')).toEqual(['test_total{service="mexa"} 50']);
  expect(await seriesOf(metrics, 'test_bytes_bucket')).toEqual([
    'test_bytes_bucket{le="10",service="mexa"} 0',
    'test_bytes_bucket{le="100",service="mexa"} 1',
    'test_bytes_bucket{le="+Inf",service="mexa"} 1',
  ]);
});

test('the event loop and the process are measured', async () => {
  const metrics = create();
  const { text } = await metrics.exposition();
  expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
  const delays = await seriesOf(metrics, 'quinta_event_loop_delay_seconds');
  expect(delays.map((line) => line.split(' ')[0])).toEqual([
    'quinta_event_loop_delay_seconds{quantile="0.5"}',
    'quinta_event_loop_delay_seconds{quantile="0.99"}',
    'quinta_event_loop_delay_seconds{quantile="1"}',
  ]);
});
