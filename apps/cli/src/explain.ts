import { ConfigError } from '@quinta/platform/config';
import { EmbeddedServerError, isConnectionLost, isSchemaMissing, MigrationError } from '@quinta/platform/database';
import { Problem } from '@quinta/platform/kernel';
import { PortTaken } from '@quinta/platform/service';
import { UsageError } from './services.ts';

/** What went wrong, in a line or a few for the person at the terminal; a stack only where it is our own bug. */
export function explain(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.faults.map((fault) => `Configuration: ${fault}`);
  if (error instanceof Problem) return [withCause(error)];
  if (isExpected(error)) return [error.message];
  if (isConnectionLost(error)) return [`The database cannot be reached: ${messageOf(error)}`];
  if (isSchemaMissing(error)) {
    return [
      `The database is older than this version: ${messageOf(error)}. \`quinta migrate up\` brings it up to date.`,
    ];
  }
  return [`This should not have happened: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
}

/** 2 for what the person wrote, 3 for a port that is taken, 1 for everything else. */
export function exitStatusOf(error: unknown): number {
  if (error instanceof ConfigError || error instanceof UsageError) return 2;
  if (error instanceof CommandFailed) return error.exitStatus;
  return error instanceof PortTaken ? 3 : 1;
}

/** A command could not do what it was asked, and says why. */
export class CommandFailed extends Error {
  readonly exitStatus: number;

  constructor(message: string, options: ErrorOptions & { readonly exitStatus?: number } = {}) {
    super(message, options);
    this.exitStatus = options.exitStatus ?? 1;
  }
}

function isExpected(error: unknown): error is Error {
  return [UsageError, PortTaken, EmbeddedServerError, MigrationError, CommandFailed, TypeError].some(
    (kind) => error instanceof kind && (kind !== TypeError || error.message.startsWith('TRUST_PROXY')),
  );
}

function withCause(problem: Problem): string {
  const cause = problem.cause === undefined ? '' : ` (${messageOf(problem.cause)})`;
  return `${problem.message}${cause}`;
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
