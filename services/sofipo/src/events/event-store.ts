import { type Db, readStatement } from '@quinta/platform/database';
import type { JsonDocument } from '@quinta/platform/documents';

interface EventRow {
  readonly position: string;
  readonly id: string;
  readonly event_type: string;
  readonly entity_id: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly occurred_at: Date;
  readonly version: number;
  readonly request_id: string | null;
}

const listBehind = readStatement<[behind: string, limit: number], EventRow>(
  'event.list_behind',
  `select position::text, id, event_type, entity_id, payload::json as payload, occurred_at, version, request_id
     from outbox where outbox.position > $1::bigint order by outbox.position limit $2`,
);

/** Events of the outbox behind a position, oldest first, as the documents that they become. */
export async function eventsBehind(
  db: Db,
  { behind, limit }: { readonly behind: string; readonly limit: number },
): Promise<{ readonly documents: readonly JsonDocument[]; readonly last: string | undefined }> {
  const { rows } = await db.run(listBehind, [behind, limit]);
  const documents = rows.map((row) => ({
    _id: row.id,
    event_type: row.event_type,
    entity_id: row.entity_id,
    payload: row.payload,
    timestamp: row.occurred_at.toISOString(),
    event_id: row.id,
    version: row.version,
    request_id: row.request_id,
  }));
  return { documents, last: rows.at(-1)?.position };
}
