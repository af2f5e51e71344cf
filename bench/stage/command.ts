import { constants } from 'node:os';
import { parseArgs, type ParseArgsConfig } from 'node:util';

/** An argument that cannot be read; the message says what was given and what is expected. */
export class UsageError extends Error {}

/** The flags among arguments. @throws UsageError */
export function flagsOf<const Flags extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Flags,
): ReturnType<typeof parseArgs<{ args: string[]; options: Flags }>>['values'] {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

export interface LongCommand<Options> {
  /** As npm calls it: `bench`. */
  readonly name: string;
  readonly usage: string;
  /** @throws UsageError */
  parse(args: readonly string[]): Options;
  /** Resolves to the exit status; throws once `signal` is given, when everything that was started has ended. */
  work(options: Options, run: { readonly signal: AbortSignal; readonly say: (line: string) => void }): Promise<number>;
}

/** Runs a command that lasts and may be stopped; sets the exit status of the process. */
export async function runLongCommand<Options extends { readonly isHelp: boolean }>(
  command: LongCommand<Options>,
): Promise<void> {
  process.exitCode = (await statusOf(command)) ?? process.exitCode ?? 1;
}

async function statusOf<Options extends { readonly isHelp: boolean }>(
  command: LongCommand<Options>,
): Promise<number | undefined> {
  const options = optionsOf(command);
  if (typeof options === 'number') return options;
  const signal = abortOnSignals();
  const startedMs = performance.now();
  const say = (line: string): void => {
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    console.error(`${String(seconds).padStart(5)} s  ${line}`);
  };
  try {
    return await command.work(options, { signal, say });
  } catch (error) {
    if (signal.aborted) {
      console.error('Stopped: everything that was started has ended');
      return undefined; // the signal has said it
    }
    console.error(error);
    return 1;
  }
}

function optionsOf<Options extends { readonly isHelp: boolean }>(command: LongCommand<Options>): Options | number {
  const { name, usage } = command;
  try {
    const options = command.parse(process.argv.slice(2));
    if (!options.isHelp) return options;
    console.log(usage);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n(npm run ${name} -- --help says what there is)`);
    return 2;
  }
}

/** The first signal stops the run, in order; npm and a terminal may both send one, so later ones change nothing. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (!controller.signal.aborted) process.exitCode = 128 + constants.signals[name];
      controller.abort(new Error(`Stopped by ${name}`));
    });
  }
  return controller.signal;
}
