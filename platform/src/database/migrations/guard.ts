import type { MigrationRunner } from '../migration.ts';
import { firstLineOf, MigrationError } from './migration-error.ts';
import type { Step } from './plan.ts';

/** A runner that watches what a migration does with it. */
export interface Guard {
  readonly runner: MigrationRunner;
  /** Whether a statement that may have changed something went through. */
  readonly hasChanged: () => boolean;
  /** The statement that threw this error, if one of this runner's did. */
  readonly statementOf: (error: unknown) => string | undefined;
  /** Throws the refusal of a statement again, in case the migration swallowed it. */
  readonly throwRefusal: () => void;
}

const readOnlyStatement = /^\s*(?:select|show)\b/i;
const transactionControl = /^\s*(?:begin|start\s+transaction|commit|end|rollback(?!\s+to\b)|abort)\b/i;

/** What a rehearsal may send before we take it for endless: it hears no rows, and may be waiting for some. */
const rehearsalStatementsMax = 10_000;

/**
 * A runner that refuses statements that name a protected table and, where a migration is one transaction, statements
 * that would end it.
 */
export function guard(runner: MigrationRunner, step: Step, protectedTables: readonly string[]): Guard {
  let changes = 0;
  let refusal: MigrationError | undefined;
  const failed = new Map<unknown, string>();
  const watched: MigrationRunner = {
    dialect: runner.dialect,
    run: async (sql, params) => {
      refusal ??= refusalOf(sql, step, protectedTables) ?? refusalOfControl(sql, step, runner);
      if (refusal) throw refusal;
      try {
        const rows = await runner.run(sql, params);
        if (!readOnlyStatement.test(sql)) changes += 1;
        return rows;
      } catch (error) {
        failed.set(error, sql);
        throw error;
      }
    },
  };
  return {
    runner: watched,
    hasChanged: () => changes > 0,
    statementOf: (error) => failed.get(error),
    throwRefusal: () => {
      if (refusal) throw refusal;
    },
  };
}

/**
 * Runs a migration against nothing to hear what it would say, and throws when that names a protected table. Every
 * statement is answered with no rows. A migration that cannot go on without rows stops here early, and the guard
 * stops it at the statement itself when it runs in earnest.
 */
export async function rehearse(
  step: Step,
  dialect: MigrationRunner['dialect'],
  protectedTables: readonly string[],
): Promise<void> {
  if (protectedTables.length === 0) return;
  let refusal: MigrationError | undefined;
  let statements = 0;
  const listener: MigrationRunner = {
    dialect,
    run: (sql) => {
      refusal ??= refusalOf(sql, step, protectedTables);
      statements += 1;
      if (statements > rehearsalStatementsMax) return Promise.reject(new Error('the rehearsal was stopped'));
      return Promise.resolve([]);
    },
  };
  // What it throws for want of rows says nothing about the real run.
  await step.migration.migration[step.direction](listener).catch(() => undefined);
  if (refusal) throw refusal;
}

function refusalOf(sql: string, step: Step, protectedTables: readonly string[]): MigrationError | undefined {
  const table = protectedTables.find((name) => namesTable(sql, name));
  if (table === undefined) return undefined;
  const { stream, name } = step.migration;
  return new MigrationError(
    'protected_table',
    `${stream}/${name} is refused: "${firstLineOf(sql)}" names the table ${table}, which belongs to another system and must not be touched`,
    { migration: name },
  );
}

/** The name as a whole word anywhere, in strings and comments too: dynamic SQL hides in both. */
function namesTable(sql: string, table: string): boolean {
  const escaped = table.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
  return new RegExp(String.raw`(?<![\w$])${escaped}(?![\w$])`, 'i').test(sql);
}

function refusalOfControl(sql: string, step: Step, runner: MigrationRunner): MigrationError | undefined {
  if (!runner.dialect.hasTransactionalDdl || !transactionControl.test(sql)) return undefined;
  const { stream, name } = step.migration;
  return new MigrationError(
    'failed',
    `${stream}/${name} is refused: "${firstLineOf(sql)}" would end the transaction that the migration and its record share`,
    { migration: name },
  );
}
