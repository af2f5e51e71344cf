import { describe, expect, it } from 'vitest';
import { type Options, parseOptions, UsageError } from './options.ts';

const names = { parts: ['throughput', 'idle', 'growth'], contestants: ['mexa', 'pgbench', 'flask'] };
const optionsOf = (...args: string[]): Options => parseOptions(args, names);

describe('the arguments', () => {
  it('ask for everything, and for the page, where there are none', () => {
    expect(optionsOf()).toMatchObject({ ...names, rounds: 5, seconds: 8, rowsMax: 1_000_000, isWritten: true });
  });

  it('that are quick ask for little and for no page', () => {
    expect(optionsOf('--quick')).toMatchObject({ ...names, isQuick: true, rounds: 1, seconds: 1, isWritten: false });
  });

  it('are stronger than what quick means', () => {
    expect(optionsOf('--quick', '--rounds', '3', '--seconds', '2')).toMatchObject({ rounds: 3, seconds: 2 });
  });

  it.each<[string[], Partial<Options>]>([
    [['idle'], { parts: ['idle'], contestants: names.contestants }],
    [['idle,growth'], { parts: ['idle', 'growth'], contestants: names.contestants }],
    [['flask', 'mexa'], { parts: ['throughput'], contestants: ['mexa', 'flask'] }],
    [['idle,mexa'], { parts: ['throughput', 'idle'], contestants: ['mexa'] }],
  ])('--only %j', (lists, expected) => {
    const args = lists.flatMap((list) => ['--only', list]);
    expect(optionsOf(...args)).toMatchObject({ ...expected, isWritten: false });
  });

  it('write the page of a partial run where they say so', () => {
    expect(optionsOf('--only', 'idle', '--write').isWritten).toBe(true);
  });

  it('take large numbers as people write them', () => {
    expect(optionsOf('--rows', '1e7').rowsMax).toBe(10_000_000);
  });

  it.each([
    [['--only', 'rust'], 'throughput, idle, growth, mexa, pgbench, flask'],
    [['--rounds', '0'], 'a whole number from 1'],
    [['--seconds', '0.5'], 'a whole number from 1'],
    [['--rows', '10'], 'from 1e3'],
    [['--speed'], '--speed'],
    [['quick'], 'quick'],
  ])('%j are refused, with what they should be', (args, expectation) => {
    expect(() => optionsOf(...args)).toThrow(UsageError);
    expect(() => optionsOf(...args)).toThrow(expectation);
  });
});
