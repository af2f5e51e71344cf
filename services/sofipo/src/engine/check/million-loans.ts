import { parseArgs } from 'node:util';

import { checkLoans, type Findings } from './check-loans.ts';

const usage = `million-loans: random loans through the engine, each checked.

  node services/sofipo/src/engine/check/million-loans.ts [--loans 1000000] [--seed 1] [--first 0]

Each loan is simulated (principal sums exactly, the last balance is zero, no negative row, doubles and bigints agree),
lived through with random payments in two orders and with a reversal (the same centavos), and paid off. A fault is printed
with the number of its loan; --first N --loans 1 runs that one again. Exit code: 0 without faults, 1 with, 2 for a wrong
argument.`;

const barWidth = 40;
const loansMax = 100_000_000;

function main(): number {
  const { values } = parseArgs({
    options: {
      loans: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      first: { type: 'string', default: '0' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    say(`${usage}\n`);
    return 0;
  }
  const [loans, seed, first] = [values.loans, values.seed, values.first].map(Number);
  if (!isCount(loans) || !isCount(seed) || !isCount(first) || loans === 0) {
    say(`--loans, --seed and --first are whole numbers up to ${loansMax}\n`);
    return 2;
  }
  const startedMs = performance.now();
  const findings = checkLoans({ seed, first, loans }, progressOf(loans, startedMs));
  say(`\n${summaryOf(findings, performance.now() - startedMs)}`);
  return findings.faults.length === 0 ? 0 : 1;
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= loansMax;
}

function progressOf(loans: number, startedMs: number): (done: number) => void {
  // A terminal sees it move; a file gets a line of it for each tenth.
  const step = Math.max(1, Math.floor(loans / (process.stdout.isTTY ? 1_000 : 10)));
  return (done) => {
    if (done % step !== 0 && done !== loans) return;
    const filled = Math.floor((done / loans) * barWidth);
    const perSecond = Math.round((done / (performance.now() - startedMs)) * 1_000);
    say(`\r[${'#'.repeat(filled)}${' '.repeat(barWidth - filled)}] ${done}/${loans}, ${perSecond} loans/s `);
  };
}

function summaryOf({ loans, refused, faults }: Findings, durationMs: number): string {
  const refusals = [...refused]
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, count]) => `  ${count} refused: ${reason}`);
  const found = faults.map(({ loan, fault }) => `  loan ${loan}: ${fault}`);
  const head = `${loans} loans in ${(durationMs / 1_000).toFixed(1)} s, ${faults.length} faults`;
  return `${[head, ...refusals, ...found].join('\n')}\n`;
}

function say(text: string): void {
  process.stdout.write(text);
}

try {
  process.exitCode = main();
} catch (error) {
  say(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
