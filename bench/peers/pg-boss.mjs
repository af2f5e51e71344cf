import { PgBoss } from 'pg-boss';

/**
 * Jobs written in sets of 100, fetched in sets of 100 and completed: what pg-boss does in the place of an outbox.
 * `pg-boss.mjs <seconds> <jobs a lap>`, with DATABASE_URL. Without its own upkeep meanwhile.
 */
const [seconds, lap] = process.argv.slice(2).map(Number);
const jobsPerSet = 100;
const fetchers = 2;
const queue = 'bench_events';
const boss = new PgBoss({ connectionString: process.env.DATABASE_URL, max: 8, supervise: false, schedule: false });
await boss.start();
await boss.createQueue(queue);

async function writeLap() {
  for (let first = 0; first < lap; first += jobsPerSet) {
    const jobs = Array.from({ length: Math.min(jobsPerSet, lap - first) }, (_, next) => ({
      data: {
        event_type: 'payment_registered',
        entity_id: `payment-${first + next}`,
        payload: { loan_id: `loan-${(first + next) % 1_000}`, amount: '1000.00', split: { interest: '1000.00' } },
      },
    }));
    await boss.insert(queue, jobs);
  }
}

async function completeLap() {
  let completed = 0;
  const worker = async () => {
    for (;;) {
      const jobs = await boss.fetch(queue, { batchSize: jobsPerSet });
      if (jobs.length === 0) return;
      const ids = jobs.map(({ id }) => id);
      await boss.complete(queue, ids);
      completed += ids.length;
    }
  };
  await Promise.all(Array.from({ length: fetchers }, worker));
  if (completed !== lap) throw new Error(`${completed} jobs were completed instead of ${lap}`);
}

const startedMs = performance.now();
let [writingMs, deliveringMs, done] = [0, 0, 0];
while (performance.now() - startedMs < seconds * 1_000) {
  const beforeMs = performance.now();
  await writeLap();
  const writtenMs = performance.now();
  await completeLap();
  writingMs += writtenMs - beforeMs;
  deliveringMs += performance.now() - writtenMs;
  done += lap;
}
await boss.stop({ graceful: false });
const rateIn = (durationMs) => done / (durationMs / 1_000);
console.log(
  JSON.stringify({
    perSecond: rateIn(writingMs + deliveringMs),
    written: rateIn(writingMs),
    delivered: rateIn(deliveringMs),
  }),
);
