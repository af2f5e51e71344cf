import type { Dialect } from './dialect.ts';

/** What a migration may do: run SQL on one connection, inside a transaction where the engine allows. */
export interface MigrationRunner {
  readonly dialect: Dialect;
  readonly run: (sql: string, params?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;
}

/** A file in a `migrations/` folder exports one of these as `migration`. Frozen once landed. */
export interface Migration {
  /** One sentence: why this migration exists. */
  readonly why: string;
  up(runner: MigrationRunner): Promise<void>;
  down(runner: MigrationRunner): Promise<void>;
  /**
   * For a database that an earlier system made: how the live schema differs from what `up` would have made, one
   * sentence each; empty when it matches. Later migrations of the same earlier system may have run as well. It reads
   * only: the migrator runs it in a transaction that cannot write. A migration without it cannot be adopted.
   */
  verify?(runner: MigrationRunner): Promise<readonly string[]>;
}
