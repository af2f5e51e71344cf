import { createHash } from 'node:crypto';
import { type Database, deleteOld, ignoringDuplicates, queryBuilder, type Tx } from '../database/index.ts';

const plain = /^[\x21-\x7e]{1,100}$/;

interface InboxTables {
  readonly inbox: { readonly consumer: string; readonly message_id: string };
}

/**
 * Whether this consumer handles this message for the first time. Call it in the transaction of the effect, before it,
 * and do nothing where it is false: effect and note are kept together or not at all. Of two that ask at once the second
 * waits for the first one's end.
 * @param consumer the subscription's own name, at most 100 printable ASCII characters without blanks
 * @param messageId what the broker calls the message: the event's id
 */
export async function onceOnly(tx: Tx, consumer: string, messageId: string): Promise<boolean> {
  if (!plain.test(consumer)) throw new RangeError(`"${consumer}" is no name for a consumer`);
  // MySQL would rather change an id that does not fit than refuse it, and so take two messages for one.
  const kept = plain.test(messageId) ? messageId : `sha256:${createHash('sha256').update(messageId).digest('hex')}`;
  const insert = queryBuilder<InboxTables>(tx).insertInto('inbox').values({ consumer, message_id: kept });
  const { numInsertedOrUpdatedRows } = await ignoringDuplicates(insert, tx.dialect).executeTakeFirstOrThrow();
  return Number(numInsertedOrUpdatedRows) > 0;
}

/** Rows of one statement of pruning. */
const pruneMax = 1_000;

/**
 * Forgets messages that were handled before an instant, at most a thousand; says how many. What comes again later than
 * that would be done again, so keep them for longer than any broker, dead letter or backup could bring one back.
 */
export async function pruneInbox(database: Database, before: Date): Promise<number> {
  return database.transact((tx) => deleteOld(tx, { table: 'inbox', column: 'handled_at', before, limitMax: pruneMax }));
}

/** Deletes events that were published before an instant, at most a thousand; for services that need no history. */
export async function pruneOutbox(database: Database, before: Date): Promise<number> {
  return database.transact((tx) =>
    deleteOld(tx, { table: 'outbox', column: 'published_at', before, limitMax: pruneMax }),
  );
}
