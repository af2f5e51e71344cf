import { randomInt, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';

/** What `load/wrk.lua` does, where wrk is not installed: `autocannon-load.mjs <address> <connections> <seconds>`. */
const [address, connections, duration] = process.argv.slice(2);
const linesOf = (file) => readFileSync(file, 'utf8').trim().split('\n');
const tokens = linesOf(process.env.BENCH_TOKENS);
const paths = process.env.BENCH_PATHS === undefined ? undefined : linesOf(process.env.BENCH_PATHS);
const fixed = process.env.BENCH_BODY;
const isMixed = process.env.BENCH_MIXED === '1';
const isForwarded = process.env.BENCH_FORWARDED === '1';

const repeatAfter = 2_048;
const remembered = 4_096;
const [refusedShare, repeatedShare] = [0.01, 0.05];
const past = [];
let sent = 0;

const anyOf = (list) => list[randomInt(list.length)];
const drawOf = (drawer) => ({
  amount: (randomInt(10_000, 90_000) / 100).toFixed(2),
  description: 'Safety gloves',
  user_id: drawer,
  request_id: randomUUID(),
});

function bodyOfNext() {
  sent += 1;
  const [chance, old] = [Math.random(), past[(sent - repeatAfter) % remembered]];
  if (isMixed && chance < refusedShare / 2) return drawOf(999_999_999);
  if (isMixed && old && chance < refusedShare) return { ...old, amount: '999.99' };
  if (isMixed && old && chance < refusedShare + repeatedShare) return old;
  past[sent % remembered] = drawOf(randomInt(101, 1_000));
  return past[sent % remembered];
}

function requestOfNext(request) {
  const token = anyOf(tokens);
  const headers = { 'user-agent': 'bench', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) };
  if (isForwarded) headers['x-forwarded-for'] = `10.0.${randomInt(80)}.${randomInt(1, 255)}`;
  const withBody = { ...headers, 'content-type': 'application/json' };
  if (fixed) return { ...request, method: 'POST', path: anyOf(paths), headers: withBody, body: fixed };
  if (paths) return { ...request, method: 'GET', path: anyOf(paths), headers };
  const body = JSON.stringify(bodyOfNext());
  return { ...request, method: 'POST', path: '/api/v1/vales', headers: withBody, body };
}

const result = await autocannon({
  url: address,
  connections: Number(connections),
  duration: Number(duration),
  timeout: 20,
  requests: [{ setupRequest: requestOfNext }],
});
const { latency } = result;
const figures = {
  completed: result.requests.total,
  durationUs: result.duration * 1_000_000,
  p50Us: latency.p50 * 1_000,
  p99Us: latency.p99 * 1_000,
  notOk: result.non2xx,
  connect: result.errors,
  read: 0,
  write: 0,
  timeout: result.timeouts,
};
console.log(`BENCH ${JSON.stringify(figures)}`);
