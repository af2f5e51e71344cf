import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';

/** The limit of every sign-in: `raw-hashes.mjs <seconds> <memory KiB> <passes> <lanes>` verifies and does nothing else. */
const [seconds, memoryCost, timeCost, parallelism] = process.argv.slice(2).map(Number);
const stored = await hash('seven lanterns over the lake', { memoryCost, timeCost, parallelism });
const startedMs = performance.now();
const endMs = startedMs + seconds * 1_000;
let completed = 0;

async function work() {
  while (performance.now() < endMs) {
    await verify(stored, 'seven lanterns over the lake');
    completed += 1;
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
console.log(JSON.stringify({ perSecond: completed / ((performance.now() - startedMs) / 1_000) }));
