import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export type Variables = Readonly<Record<string, string>>;

/** What the tests read of a service of the compose file. */
export interface ComposeService {
  readonly image: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: {
    readonly test: readonly string[];
    readonly interval: string;
    readonly retries: number;
    readonly start_period?: string;
  };
  readonly build?: { readonly context: string; readonly dockerfile: string };
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

/** The folder of the compose file. */
export const folder = new URL('..', import.meta.url);

export const composeText = textOf('docker-compose.yml');
export const productionText = textOf('docker-compose.production.yml');
const exampleText = textOf('.env.example');

/** The variables that `.env.example` sets. */
export const exampleVariables: Variables = Object.fromEntries(
  [...exampleText.matchAll(/^([A-Z][A-Z_0-9]*)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
);

/** A compose file with its variables put in, as `docker compose config` prints it. */
export function readCompose(text: string, variables: Variables = {}): Compose {
  return withVariables(parse(text, { merge: true }), variables) as Compose;
}

/** What one service of the stack is told by its environment; in production by both files. */
export function environmentOf(
  service: string,
  options: { isProduction?: boolean; variables?: Variables } = {},
): Variables {
  const { isProduction = false, variables = {} } = options;
  const texts = isProduction ? [composeText, productionText] : [composeText];
  const layers = texts.map((text) => readCompose(text, variables).services[service]?.environment ?? {});
  const all = Object.assign({}, ...layers) as Readonly<Record<string, string | number>>;
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, String(value)]));
}

/** The names between `${` and `}` of a compose file. */
export function variablesIn(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/(?<!\$)\$\{([A-Z_0-9]+)/g)].map(([, name = '']) => name));
}

function textOf(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8');
}

function withVariables(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') return interpolated(value, variables);
  if (Array.isArray(value)) return value.map((entry) => withVariables(entry, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, withVariables(entry, variables)]));
}

/** `$$`, `${NAME}`, `${NAME:-default}` and `${NAME:?reason}`, where an empty variable counts as not set. */
function interpolated(text: string, variables: Variables): string {
  return text.replaceAll(
    /\$\$|\$\{([A-Z_0-9]+)(?::([-?])([^}]*))?\}/g,
    (whole, name: string, sign: string, rest: string) => {
      if (whole === '$$') return '$';
      const value = variables[name] ?? '';
      if (value === '' && sign === '?') throw new Error(`${name}: ${rest}`);
      return value === '' && sign === '-' ? rest : value;
    },
  );
}
