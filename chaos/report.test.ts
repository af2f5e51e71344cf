import { expect, it } from 'vitest';
import { parseOptions } from './options.ts';
import { planFaults } from './plan.ts';
import { type Report, summaryOf } from './report.ts';

const report: Report = {
  options: parseOptions(['--seed', '42'], { seed: 0, hasRabbitMq: true }),
  plan: planFaults({ seed: 42, count: 17, seconds: 40, hasBroker: true }),
  answered: 1_000,
  retries: 50,
  made: { clients: 10, loans: 9, payments: 80 },
  events: 120,
  documents: 119,
  keys: 19,
  writtenAgain: 7,
  loadMs: 41_234,
  quietMs: 900,
  lost: [],
};

it('a summary says what was done and that nothing was lost', () => {
  const lines = summaryOf(report).split('\n');
  expect(lines[0]).toBe('Chaos of SOFIPO: 17 faults in 41 s, seed 42');
  expect(lines).toContain('documents         2      1      1      1      1');
  expect(lines.at(-1)).toBe('lost        0');
});

it('or names what was, but not without end', () => {
  const lost = Array.from({ length: 60 }, (_, place) => `Event ${place} has no document`);
  const lines = summaryOf({ ...report, lost }).split('\n');
  expect(lines).toContain('lost        60');
  expect(lines).toContain('  Event 0 has no document');
  expect(lines.at(-1)).toBe('  and 10 more');
});
