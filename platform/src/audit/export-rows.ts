import type { Db } from '../database/index.ts';
import { csvLine } from '../http/index.ts';
import { type AuditFilter, type AuditRecord, searchAudit } from './search.ts';

/** How a service shows an audit row. */
export interface AuditShape<Row extends object> {
  readonly columns: readonly (keyof Row)[];
  readonly rowOf: (record: AuditRecord) => Row;
}

const pageSize = 1_000;

/** All rows of a filter, newest first, read page by page while they are sent. */
async function* everyAuditRow<Row extends object>(
  db: Db,
  filter: AuditFilter,
  { rowOf }: AuditShape<Row>,
): AsyncGenerator<Row[]> {
  for (let beforeId: number | undefined; ;) {
    const { rows, next } = await searchAudit(db, filter, { beforeId, limit: pageSize });
    if (rows.length > 0) yield rows.map(rowOf);
    if (next === undefined) return;
    beforeId = next;
  }
}

/** The rows of a filter as text, whole lines with how many rows they are; CSV begins with a line of names. */
export async function* auditChunks<Row extends object>(
  db: Db,
  { format, ...filter }: AuditFilter & { readonly format: 'csv' | 'jsonl' },
  shape: AuditShape<Row>,
): AsyncGenerator<{ readonly rows: number; readonly text: string }> {
  if (format === 'csv') yield { rows: 0, text: csvLine(shape.columns.map(String)) };
  for await (const rows of everyAuditRow(db, filter, shape)) {
    const line = (row: Row): string =>
      format === 'csv' ? csvLine(shape.columns.map((column) => row[column])) : `${JSON.stringify(row)}\n`;
    yield { rows: rows.length, text: rows.map(line).join('') };
  }
}
