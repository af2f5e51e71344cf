import { describe, expect, it } from 'vitest';
import { type Options, parseOptions } from './options.ts';
import { UsageError } from './stage/command.ts';

const names = {
  parts: [
    ...['throughput', 'idle', 'growth'].map((name) => ({ name, suite: 'mexa' })),
    ...['reads', 'sockets'].map((name) => ({ name, suite: 'move-acces' })),
  ],
  contestants: ['mexa', 'pgbench', 'flask'],
};
const everything = { parts: names.parts.map(({ name }) => name), contestants: names.contestants };
const optionsOf = (...args: string[]): Options => parseOptions(args, names);

describe('the arguments', () => {
  it('ask for everything, and for the page, where there are none', () => {
    expect(optionsOf()).toMatchObject({ ...everything, rounds: 5, seconds: 8, rowsMax: 1_000_000, isWritten: true });
  });

  it('that are quick ask for little and for no page', () => {
    expect(optionsOf('--quick')).toMatchObject({
      ...everything,
      isQuick: true,
      rounds: 1,
      seconds: 1,
      isWritten: false,
    });
  });

  it('are stronger than what quick means', () => {
    expect(optionsOf('--quick', '--rounds', '3', '--seconds', '2')).toMatchObject({ rounds: 3, seconds: 2 });
  });

  it.each<[string[], Partial<Options>]>([
    [['idle'], { parts: ['idle'], contestants: names.contestants }],
    [['idle,growth'], { parts: ['idle', 'growth'], contestants: names.contestants }],
    [['flask', 'mexa'], { parts: ['throughput'], contestants: ['mexa', 'flask'] }],
    [['idle,mexa'], { parts: ['throughput', 'idle'], contestants: ['mexa'] }],
    [['move-acces'], { parts: ['reads', 'sockets'], contestants: names.contestants }],
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
    [['--only', 'rust'], 'throughput, idle, growth, reads, sockets, mexa, pgbench, flask, move-acces'],
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
