/** What kind of refusal or failure it is, for programs; the message is for people. */
export type MigrationErrorKind =
  | 'adoption_mismatch'
  | 'altered'
  | 'bad_request'
  | 'bad_stream'
  | 'failed'
  | 'interrupted'
  | 'lock_timeout'
  | 'nothing_to_adopt'
  | 'protected_table'
  | 'unreachable';

export interface MigrationErrorOptions {
  /** The migration's name without `.ts`, where one is concerned. */
  readonly migration?: string;
  /** One sentence each, where several things are wrong. */
  readonly differences?: readonly string[];
  readonly cause?: unknown;
}

/** A migration that was refused or that failed, in a sentence that says what to do. Never holds a password. */
export class MigrationError extends Error {
  readonly kind: MigrationErrorKind;
  readonly migration: string | undefined;
  readonly differences: readonly string[];

  constructor(kind: MigrationErrorKind, message: string, options: MigrationErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MigrationError';
    this.kind = kind;
    this.migration = options.migration;
    this.differences = options.differences ?? [];
  }
}

const firstLineMax = 160;

/** The first line of a statement that says something, cut to a length that fits a terminal. */
export function firstLineOf(sql: string): string {
  const line = sql
    .split('\n')
    .map((text) => text.trim())
    .find((text) => text !== '');
  return (line ?? '').slice(0, firstLineMax);
}

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
