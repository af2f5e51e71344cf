import { flagsOf, UsageError } from '../bench/stage/command.ts';

/** What a run was asked for. */
export interface Options {
  readonly isHelp: boolean;
  /** Kills, pauses and cuts together. */
  readonly kills: number;
  /** Repeats which faults come when. */
  readonly seed: number;
  /** Over how long the faults are spread. */
  readonly seconds: number;
  /** Requests a second, at most. */
  readonly rate: number;
  /** `database`: queues in the database, and no faults of a broker. */
  readonly broker: 'rabbitmq' | 'database';
  /** A folder where the logs of the parts are left. */
  readonly logFolder: string | undefined;
}

const secondsPerFault = 4;
const limits = { kills: 10_000, seed: 2 ** 31 - 1, seconds: 86_400, rate: 1_000 };

const flags = {
  help: { type: 'boolean' },
  kills: { type: 'string' },
  seed: { type: 'string' },
  seconds: { type: 'string' },
  rate: { type: 'string' },
  broker: { type: 'string' },
  logs: { type: 'string' },
} as const;

/**
 * Reads the arguments; `seed` and the broker that is installed are for where they name none.
 * @throws UsageError that says what is wrong
 */
export function parseOptions(
  args: readonly string[],
  { seed, hasRabbitMq }: { readonly seed: number; readonly hasRabbitMq: boolean },
): Options {
  const values = flagsOf(args, flags);
  const kills = wholeNumber('--kills', values.kills, { min: 1, max: limits.kills }) ?? 200;
  return {
    isHelp: values.help ?? false,
    kills,
    seed: wholeNumber('--seed', values.seed, { min: 0, max: limits.seed }) ?? seed,
    seconds: wholeNumber('--seconds', values.seconds, { min: 1, max: limits.seconds }) ?? kills * secondsPerFault,
    rate: wholeNumber('--rate', values.rate, { min: 1, max: limits.rate }) ?? 25,
    broker: brokerOf(values.broker, hasRabbitMq),
    logFolder: values.logs,
  };
}

function wholeNumber(
  option: string,
  text: string | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option} is "${text}", but should be a whole number from ${min} to ${max}`);
}

function brokerOf(text: string | undefined, hasRabbitMq: boolean): Options['broker'] {
  if (text === 'rabbitmq' && !hasRabbitMq) throw new UsageError('--broker is "rabbitmq", which is not installed here');
  if (text === undefined) return hasRabbitMq ? 'rabbitmq' : 'database';
  if (text === 'rabbitmq' || text === 'database') return text;
  throw new UsageError(`--broker is "${text}", but should be rabbitmq or database`);
}
