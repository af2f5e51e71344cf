import type { Environment } from './environment.ts';
import type { ConfigOf, Setting, Settings } from './setting.ts';

/** What is wrong with the configuration: one line a variable. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/**
 * Reads a service's settings. `<SERVICE>_NAME` wins over `NAME`; an empty value counts as not set.
 * @throws ConfigError that names every wrong variable, what it holds and what it should hold
 */
export function readConfig<Schema extends Settings>(
  service: string,
  settings: Schema,
  environment: Environment,
): ConfigOf<Schema> {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settings)) {
    const found = findVariable(service, name, environment);
    const value = found ? setting.read(found.text) : setting.fallback;
    if (found && value === undefined) faults.push(faultOf(found, setting));
    values[name] = value;
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return values as ConfigOf<Schema>;
}

/** The variable that decides a setting: the service's own before the shared one. */
export function findVariable(
  service: string,
  name: string,
  environment: Environment,
): { readonly variable: string; readonly text: string } | undefined {
  const own = `${prefixOf(service)}${name}`;
  for (const variable of name.startsWith(prefixOf(service)) ? [name] : [own, name]) {
    const text = environment[variable]?.trim();
    if (text) return { variable, text };
  }
  return undefined;
}

function prefixOf(service: string): string {
  return `${service.toUpperCase().replaceAll('-', '_')}_`;
}

function faultOf(found: { variable: string; text: string }, setting: Setting<unknown>): string {
  const held = setting.isSecret ? 'a value that is not shown here' : JSON.stringify(found.text.slice(0, 100));
  return `${found.variable} holds ${held}, but should hold ${setting.expects}`;
}
