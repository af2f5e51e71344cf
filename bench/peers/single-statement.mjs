import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { settings } from './settings.mjs';

/** Sends one statement at a time for some seconds: `single-statement.mjs <file with text and params> <seconds>`. */
const [file, seconds] = process.argv.slice(2);
const { text, params } = JSON.parse(readFileSync(file, 'utf8'));
const freshValues = () => params.map((values) => values.map((value) => (value === '$uuid' ? randomUUID() : value)));

const client = new pg.Client({ connectionString: settings.databaseUrl });
await client.connect();
const latenciesUs = [];
const startedMs = performance.now();
const endMs = startedMs + Number(seconds) * 1_000;
for (let nowMs = startedMs; nowMs < endMs;) {
  const values = freshValues();
  const sentMs = performance.now();
  const { rowCount } = await client.query({ name: 'statement', text, values });
  nowMs = performance.now();
  if (rowCount !== 1) throw new Error(`The statement drew ${rowCount} vouchers`);
  latenciesUs.push((nowMs - sentMs) * 1_000);
}
const durationUs = (performance.now() - startedMs) * 1_000;
await client.end();

latenciesUs.sort((a, b) => a - b);
const at = (share) => latenciesUs[Math.ceil(share * latenciesUs.length) - 1];
const none = { notOk: 0, connect: 0, read: 0, write: 0, timeout: 0 };
const figures = { completed: latenciesUs.length, durationUs, p50Us: at(0.5), p99Us: at(0.99), ...none };
console.log(`BENCH ${JSON.stringify(figures)}`);
