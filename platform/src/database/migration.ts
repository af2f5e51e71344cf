import type { Dialect } from './dialect.ts';

/** What a migration may do: run SQL on one connection, inside a transaction where the engine allows. */
export interface MigrationRunner {
  readonly dialect: Dialect;
  run(sql: string, params?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

/** A file in a `migrations/` folder exports one of these as `migration`. Frozen once landed. */
export interface Migration {
  /** One sentence: why this migration exists. */
  readonly why: string;
  up(runner: MigrationRunner): Promise<void>;
  down(runner: MigrationRunner): Promise<void>;
}
