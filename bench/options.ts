import { flagsOf, UsageError } from './stage/command.ts';
import { parseCount } from './figures/numbers.ts';

/** What a run was asked for. */
export interface Options {
  readonly isHelp: boolean;
  readonly isQuick: boolean;
  readonly rounds: number;
  /** Of one measurement; whole seconds, because wrk knows no others. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Vouchers that the growth part ends with. */
  readonly rowsMax: number;
  /** Audit rows that are verified. */
  readonly verifiedRows: number;
  readonly parts: readonly string[];
  readonly contestants: readonly string[];
  readonly jsonFile: string | undefined;
  /** Whether docs/reference/benchmarks.md is written. */
  readonly isWritten: boolean;
}

/** What may stand behind `--only`. */
export interface Names {
  readonly parts: readonly { readonly name: string; readonly suite: string }[];
  readonly contestants: readonly string[];
}

type Chosen = Pick<Options, 'parts' | 'contestants'>;

const full = { rounds: 5, seconds: 8, warmUpSeconds: 4, rowsMax: 1_000_000, verifiedRows: 1_000_000 };
const quick = { rounds: 1, seconds: 1, warmUpSeconds: 1, rowsMax: 10_000, verifiedRows: 10_000 };
const limits = { rounds: 100, seconds: 600, rowsMin: 1_000, rowsMax: 100_000_000 };

const flags = {
  help: { type: 'boolean' },
  quick: { type: 'boolean' },
  write: { type: 'boolean' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  rows: { type: 'string' },
  only: { type: 'string', multiple: true },
  json: { type: 'string' },
} as const;

/** Reads the arguments. Throws a UsageError that names what is wrong and what is expected. */
export function parseOptions(args: readonly string[], names: Names): Options {
  const values = flagsOf(args, flags);
  const isQuick = values.quick ?? false;
  const defaults = isQuick ? quick : full;
  const isWhole = values.only === undefined && !isQuick;
  return {
    ...defaults,
    ...(values.only === undefined
      ? { parts: names.parts.map(({ name }) => name), contestants: names.contestants }
      : namesOf(values.only, names)),
    isHelp: values.help ?? false,
    isQuick,
    rounds: wholeNumber('--rounds', values.rounds, limits.rounds) ?? defaults.rounds,
    seconds: wholeNumber('--seconds', values.seconds, limits.seconds) ?? defaults.seconds,
    rowsMax: rowsOf(values.rows) ?? defaults.rowsMax,
    jsonFile: values.json,
    isWritten: values.write ?? isWhole,
  };
}

/** Naming a contestant alone asks for the part that compares them; naming a suite asks for all of its parts. */
function namesOf(only: readonly string[], { parts, contestants }: Names): Chosen {
  const wanted = new Set(only.flatMap((list) => list.split(',').map((name) => name.trim())));
  const suites = [...new Set(parts.map(({ suite }) => suite))].filter((suite) => !contestants.includes(suite));
  const known = [...parts.map(({ name }) => name), ...contestants, ...suites];
  const unknown = [...wanted].find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`--only names "${unknown}", but should name some of: ${known.join(', ')}`);
  }
  const chosen = contestants.filter((name) => wanted.has(name));
  const isWanted = ({ name, suite }: Names['parts'][number]): boolean =>
    wanted.has(name) || (wanted.has(suite) && suites.includes(suite)) || (chosen.length > 0 && name === 'throughput');
  return {
    parts: parts.filter(isWanted).map(({ name }) => name),
    contestants: chosen.length > 0 ? chosen : contestants,
  };
}

function wholeNumber(option: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = parseCount(text);
  if (value !== undefined && value >= 1 && value <= max) return value;
  throw new UsageError(`${option} is "${text}", but should be a whole number from 1 to ${max}`);
}

function rowsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = parseCount(text);
  if (value !== undefined && value >= limits.rowsMin && value <= limits.rowsMax) return value;
  throw new UsageError(`--rows is "${text}", but should be a number from 1e3 to 1e8`);
}
