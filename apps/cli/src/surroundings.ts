import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Environment, findVariable, readEnvironment } from '@quinta/platform/config';
import { type Log, silentLog } from '@quinta/platform/kernel';
import { type AnyService, hostSettings, type Placement, placeServices } from '@quinta/platform/service';

/** The checkout, which a relative data folder and `.env` belong to. */
export const root = path.resolve(fileURLToPath(import.meta.url), '../../../..');

export function environment(): Environment {
  return readEnvironment(path.join(root, '.env'));
}

/** The level of the process's own log; a wrong LOG_LEVEL is told when the whole configuration is read. */
export function logLevel(): string {
  const setting = hostSettings.LOG_LEVEL;
  return setting.read(findVariable('quinta', 'LOG_LEVEL', environment())?.text ?? '') ?? setting.fallback;
}

/** Says a line to the person at the terminal, beside what a script reads from standard output. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Prints what a script reads: JSON on one line. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Places services, does the work, and lets go of the embedded server however the work ends. */
export async function withPlacement<T>(
  services: readonly AnyService[],
  work: (placement: Placement) => Promise<T>,
  options: { readonly log?: Log; readonly isQuiet?: boolean } = {},
): Promise<T> {
  const placement = await placeServices(services, {
    environment: environment(),
    root,
    log: options.log ?? silentLog,
    say: options.isQuiet ? () => undefined : say,
  });
  try {
    return await work(placement);
  } finally {
    await placement.release();
  }
}
