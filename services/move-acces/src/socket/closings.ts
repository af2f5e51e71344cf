import { recordAudit } from '@quinta/platform/audit';
import type { Database } from '@quinta/platform/database';
import type { Context, Log } from '@quinta/platform/kernel';

/** A connection that has ended. */
export interface Closing {
  readonly context: Context;
  readonly memberId: number;
  readonly sessionId: string;
  /** The close code of RFC 6455, or one of ours. */
  readonly code: number;
}

/** Tells the audit of connections that ended. */
export interface Closings {
  record(closing: Closing): void;
  /** Resolves when all that ended has been written, or could not be. */
  stop(): Promise<void>;
}

const perTransaction = 200;
/** Beyond it they are only logged: a database that is gone must not fill the memory. */
const waitingMax = 50_000;

/**
 * A connection ends whether or not it can be written down, so nobody waits: what has ended meanwhile goes into the next
 * transaction, and ten thousand that end at once are fifty of them.
 */
export function openClosings({ database, log }: { readonly database: Database; readonly log: Log }): Closings {
  const waiting: Closing[] = [];
  let running: Promise<void> | undefined;
  const work = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, perTransaction);
      await write(database, batch).catch((error: unknown) => {
        log.warn({ error, connections: batch.length }, 'Connections ended that the audit could not be told of');
      });
    }
    running = undefined;
  };
  return {
    record: (closing) => {
      if (waiting.length < waitingMax) waiting.push(closing);
      else log.warn({ sessionId: closing.sessionId }, 'A connection ended that the audit could not be told of');
      running ??= work();
    },
    stop: () => running ?? Promise.resolve(),
  };
}

function write(database: Database, batch: readonly Closing[]): Promise<void> {
  return database.transact(async (tx) => {
    for (const { context, memberId, sessionId, code } of batch) {
      await recordAudit(tx, context, {
        action: 'ws_disconnect',
        resourceType: 'session',
        resourceId: sessionId,
        userId: memberId,
        details: { code },
      });
    }
  });
}
