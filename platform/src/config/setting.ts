import { parseDatabaseUrl } from '../database/index.ts';

/** One environment variable: how its text becomes a value, and what its page in the reference says. */
export interface Setting<Value> {
  /** What it should hold, in words: "a whole number from 1 to 65535". */
  readonly expects: string;
  readonly about: string;
  readonly fallback: Value;
  /** Never shown by an error, a log or `doctor`. */
  readonly isSecret: boolean;
  /** Returns undefined for a text that it cannot read. */
  read(text: string): Value | undefined;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;

export type ConfigOf<Schema extends Settings> = {
  readonly [Name in keyof Schema]: Schema[Name] extends Setting<infer Value> ? Value : never;
};

export function text<Fallback extends string | undefined>(
  about: string,
  fallback: Fallback,
): Setting<string | Fallback> {
  return { expects: 'a text', about, fallback, isSecret: false, read: (value) => value };
}

/** A key or password. Rules about its length in production stand with the part that uses it. */
export function secret(about: string): Setting<string | undefined> {
  return {
    expects: 'a secret of 32 bytes or more',
    about,
    fallback: undefined,
    isSecret: true,
    read: (value) => value,
  };
}

/** Passwords of outside parts, which may be as short as their owner made them. */
export function password<Fallback extends string | undefined>(
  about: string,
  fallback: Fallback,
): Setting<string | Fallback> {
  return { expects: 'a password', about, fallback, isSecret: true, read: (value) => value };
}

export function integer<Fallback extends number | undefined>(
  about: string,
  fallback: Fallback,
  range: { readonly min: number; readonly max: number },
): Setting<number | Fallback> {
  return {
    expects: `a whole number from ${range.min} to ${range.max}`,
    about,
    fallback,
    isSecret: false,
    read: (value) => {
      const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      return number >= range.min && number <= range.max ? number : undefined;
    },
  };
}

export function choice<const Options extends readonly string[]>(
  about: string,
  options: Options,
  fallback: Options[number],
): Setting<Options[number]> {
  return {
    expects: `one of ${options.join(', ')}`,
    about,
    fallback,
    isSecret: false,
    read: (value) => options.find((option) => option.toLowerCase() === value.toLowerCase()),
  };
}

const flags: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', '0', 'no', 'off'].map((word) => [word, false] as const),
]);

export function flag(about: string, fallback: boolean): Setting<boolean> {
  return {
    expects: 'true or false',
    about,
    fallback,
    isSecret: false,
    read: (value) => flags.get(value.toLowerCase()),
  };
}

/** A comma list ("a, b") or a JSON list (["a", "b"]). */
export function list(about: string, fallback: readonly string[] = []): Setting<readonly string[]> {
  return { expects: 'a comma list or a JSON list of texts', about, fallback, isSecret: false, read: readList };
}

function readList(value: string): readonly string[] | undefined {
  if (!value.startsWith('[')) return value.split(',').flatMap((item) => item.trim() || []);
  try {
    const items: unknown = JSON.parse(value);
    return Array.isArray(items) && items.every((item) => typeof item === 'string') ? items : undefined;
  } catch {
    return undefined; // not JSON: the caller says what was expected
  }
}

/** A database URL, SQLAlchemy's form included. Secret, because it may hold a password. */
export function databaseUrl(about: string): Setting<string | undefined> {
  return {
    expects: 'a URL such as postgresql://user:password@host:5432/name',
    about,
    fallback: undefined,
    isSecret: true,
    read: (value) => {
      try {
        return parseDatabaseUrl(value).url;
      } catch {
        return undefined; // the caller says what was expected, without the value
      }
    },
  };
}

/** A URL with one of the given schemes. Secret, because it may hold a password. */
export function url(about: string, schemes: readonly string[]): Setting<string | undefined> {
  return {
    expects: `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    about,
    fallback: undefined,
    isSecret: true,
    read: (value) => (schemes.includes(URL.parse(value)?.protocol.slice(0, -1) ?? '') ? value : undefined),
  };
}
