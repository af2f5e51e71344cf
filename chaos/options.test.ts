import { describe, expect, it } from 'vitest';
import { type Options, parseOptions } from './options.ts';
import { UsageError } from '../bench/stage/command.ts';

const optionsOf = (...args: string[]): Options => parseOptions(args, { seed: 7, hasRabbitMq: true });

describe('the arguments', () => {
  it('ask for 200 faults in 800 seconds where there are none', () => {
    expect(optionsOf()).toMatchObject({ kills: 200, seconds: 800, seed: 7, rate: 25, broker: 'rabbitmq' });
  });

  it.each<[string[], Partial<Options>]>([
    [['--kills', '20'], { kills: 20, seconds: 80 }],
    [['--kills', '20', '--seconds', '30'], { kills: 20, seconds: 30 }],
    [['--seed', '0'], { seed: 0 }],
    [['--rate', '100'], { rate: 100 }],
    [['--broker', 'database'], { broker: 'database' }],
    [['--logs', '/tmp/logs'], { logFolder: '/tmp/logs' }],
    [['--help'], { isHelp: true }],
  ])('%j', (args, expected) => expect(optionsOf(...args)).toMatchObject(expected));

  it.each([
    [['--kills', '0'], 'a whole number from 1 to 10000'],
    [['--seed', '-1'], '--seed'],
    [['--seconds', '1.5'], 'a whole number from 1'],
    [['--broker', 'kafka'], 'rabbitmq or database'],
    [['--murders', '1'], '--murders'],
    [['20'], '20'],
  ])('%j are refused, with what they should be', (args, expectation) => {
    expect(() => optionsOf(...args)).toThrow(UsageError);
    expect(() => optionsOf(...args)).toThrow(expectation);
  });

  it('mean queues in the database where there is no RabbitMQ, unless they ask for it', () => {
    const without = { seed: 7, hasRabbitMq: false };
    expect(parseOptions([], without).broker).toBe('database');
    expect(() => parseOptions(['--broker', 'rabbitmq'], without)).toThrow('not installed');
  });
});
