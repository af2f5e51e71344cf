import { describe, expect, it } from 'vitest';
import { createMetrics } from '../telemetry/index.ts';
import { openSmallServer } from './test/small-server.ts';
import type { ReadyCheck } from './mount.ts';

const up: ReadyCheck = { name: 'database', isEssential: true, check: async () => ({ migration: '007' }) };
const down = (isEssential: boolean): ReadyCheck => ({
  name: isEssential ? 'database' : 'key_value',
  isEssential,
  check: () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.5:5432')),
});
const hanging: ReadyCheck = { name: 'broker', isEssential: false, check: () => new Promise(() => undefined) };

async function ready(...readyChecks: ReadyCheck[]) {
  const small = await openSmallServer({ readyChecks });
  const answer = await small.server.inject('/ready');
  await small.server.close();
  return answer;
}

describe('/ready', () => {
  it('tells each part with its latency', async () => {
    const answer = await ready(up);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      status: 'ready',
      parts: {
        database: { status: 'up', essential: true, latency_ms: expect.any(Number) as number, migration: '007' },
      },
    });
  });

  it('is degraded without a part that one can do without', async () => {
    const answer = await ready(up, down(false));
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ status: 'degraded', parts: { key_value: { status: 'down' } } });
  });

  it('shows more of a part that says itself that it is down', async () => {
    const lagging = { name: 'replica', isEssential: false, check: async () => ({ status: 'down', lag_ms: 4_000 }) };
    const answer = await ready(up, lagging);
    expect(answer.json()).toMatchObject({
      status: 'degraded',
      parts: { replica: { status: 'down', essential: false, lag_ms: 4_000 } },
    });
  });

  it('is down without one that one cannot, and says nothing of why', async () => {
    const answer = await ready(down(true), down(false));
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json()).toMatchObject({ status: 'down', parts: { database: { status: 'down', essential: true } } });
    expect(answer.body).not.toMatch(/ECONN|10\.0\.0\.5/);
  });

  it('does not wait for a part that hangs', async () => {
    const answer = await ready(up, hanging);
    expect(answer.json()).toMatchObject({
      status: 'degraded',
      parts: { database: { status: 'up' }, broker: { status: 'down' } },
    });
  });

  it('is the process alone at /health', async () => {
    const small = await openSmallServer({ readyChecks: [down(true)] });
    const answer = await small.server.inject('/health');
    expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'ok', service: 'Small' }]);
    await small.server.close();
  });
});

async function metered(metricsToken?: string) {
  const metrics = createMetrics({ service: 'small' });
  const small = await openSmallServer({
    server: {
      metrics: () => metrics.exposition(),
      ...(metricsToken === undefined ? {} : { metricsToken }),
      observe: ({ durationMs, ...sample }) => metrics.observeRequest({ ...sample, durationSeconds: durationMs / 1000 }),
    },
  });
  const series = async (): Promise<number> => {
    const { body } = await small.server.inject('/metrics');
    return body.split('\n').filter((line) => line.startsWith('quinta_http')).length;
  };
  return { ...small, series, close: () => Promise.all([small.server.close(), metrics.close()]) };
}

describe('/metrics', () => {
  it('counts requests by pattern, method and status', async () => {
    const small = await metered();
    for (const url of ['/api/who', '/api/who', '/api/things/5', '/api/things/6']) await small.server.inject(url);
    const { body, headers } = await small.server.inject('/metrics');
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(body).toMatch(/quinta_http_requests_total\{[^}]*route="\/api\/who"[^}]*status="200"[^}]*\} 2\n/);
    expect(body).toMatch(/quinta_http_requests_total\{[^}]*route="\/api\/things\/:id"[^}]*status="401"[^}]*\} 2\n/);
    await small.close();
  });

  it('has as many series after 1,000 bad paths, parameters and methods as after one of each', async () => {
    const small = await metered();
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
    const ask = async (place: number): Promise<void> => {
      await small.server.inject({ method: methods[place % methods.length] ?? 'GET', url: `/bad/${place}` });
      await small.server.inject(`/api/things/${place}?x=${place}`);
      await small.server.inject(`/api/things/%zz${place}`);
    };
    for (let place = 0; place < methods.length; place++) await ask(place);
    await small.series(); // the scrape itself is a request too
    const before = await small.series();
    for (let place = 0; place < 1_000; place++) await ask(place);
    expect(await small.series()).toBe(before);
    expect(before).toBeGreaterThan(10);
    await small.close();
  });

  it('is there for who holds the token, and for nobody else', async () => {
    const small = await metered('a token of the scraper');
    const ask = (authorization?: string) =>
      small.server.inject({ url: '/metrics', headers: authorization === undefined ? {} : { authorization } });
    for (const wrong of [undefined, 'Bearer', 'Bearer a token', 'a token of the scraper', 'Bearer keeper-token']) {
      const answer = await ask(wrong);
      expect(answer.statusCode).toBe(404);
      expect(answer.body).not.toContain('quinta_http');
    }
    expect((await ask('Bearer a token of the scraper')).statusCode).toBe(200);
    await small.close();
  });

  it('is closed where the process has none', async () => {
    const small = await openSmallServer();
    expect((await small.server.inject('/metrics')).statusCode).toBe(404);
    await small.server.close();
  });
});
