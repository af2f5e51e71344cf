import { readOn, type SqlWords, writeOn } from '../database/index.ts';
import { type RowText, rowTextFields } from './leaf.ts';

/** The statements of sealing and proving, on both engines. Numbers of 64 bits arrive as the driver likes: `Number()`. */

type Whole = number | string;

export interface TreeRow {
  readonly log_id: string;
  readonly size: Whole;
  readonly high_id: Whole;
  /** JSON of `Gap[]`. */
  readonly gaps: string;
  /** Grows with every change; what was remembered of another revision is old. */
  readonly revision: Whole;
}

export interface TileRow {
  readonly tile_level: number;
  readonly tile_number: Whole;
  readonly hashes: Buffer;
  readonly salts: Buffer | null;
}

export interface RunRow {
  readonly first_leaf: Whole;
  readonly first_id: Whole;
  readonly row_count: Whole;
}

export interface CheckpointRow {
  readonly size: Whole;
  readonly note: string;
}

const asItIs = new Set<string>(['action', 'resource_type', 'endpoint', 'method', 'ip_address', 'user_agent']);

function rowText(on: SqlWords): string {
  return rowTextFields.map((field) => (asItIs.has(field) ? field : `${on.asText(field)} as ${field}`)).join(', ');
}

const treeColumns = 'log_id, size, high_id, gaps, revision';

/** No row: another process is sealing. */
export const lockTree = readOn<TreeRow, Record<string, never>>(
  'audit.lock_tree',
  () => `select ${treeColumns} from audit_tree where id = 1 for update skip locked`,
);

/** Waits for whoever is sealing. */
export const awaitTree = readOn<TreeRow, Record<string, never>>(
  'audit.await_tree',
  () => `select ${treeColumns} from audit_tree where id = 1 for update`,
);

export const readTree = readOn<TreeRow & { readonly newest_id: Whole | null }, Record<string, never>>(
  'audit.read_tree',
  () => `select ${treeColumns}, (select max(id) from audit_logs) as newest_id from audit_tree where id = 1`,
);

/** How old the oldest row is that has not been sealed, and how many ids are beyond the tree. */
export const readLag = readOn<
  { readonly age_ms: number | string | null; readonly high_id: Whole; readonly newest_id: Whole | null },
  Record<string, never>
>(
  'audit.lag',
  (on) => `
    select t.high_id, (select max(id) from audit_logs) as newest_id, ${on.ageMs(
      '(select a.created_at from audit_logs a where a.id > t.high_id order by a.id limit 1)',
    )} as age_ms
      from audit_tree t
     where t.id = 1`,
);

export const rowsAfter = readOn<RowText, { afterId: number; limit: string }>(
  'audit.rows_after',
  (on) => `select ${rowText(on)} from audit_logs where id > :afterId order by audit_logs.id limit :limit`,
);

export const rowsBetween = readOn<RowText, { from: number; to: number; limit: string }>(
  'audit.rows_between',
  (on) => `
    select ${rowText(on)} from audit_logs where id between :from and :to order by audit_logs.id limit :limit`,
);

export const advanceTree = writeOn<never, { size: number; highId: number; gaps: string; revision: number }>(
  'audit.advance_tree',
  (on) => `
    update audit_tree set size = :size, high_id = :highId, gaps = :gaps, revision = :revision, sealed_at = ${on.now}
     where id = 1`,
);

export const readTiles = readOn<TileRow, { level: number; from: number; to: number }>(
  'audit.read_tiles',
  () => `
    select tile_level, tile_number, hashes, salts
      from audit_tiles
     where tile_level = :level and tile_number between :from and :to
     order by tile_number`,
);

export const writeTile = writeOn<never, { level: number; number: number; hashes: Buffer; salts: Buffer | null }>(
  'audit.write_tile',
  (on) => `
    insert into audit_tiles (tile_level, tile_number, hashes, salts)
    values (:level, :number, ${on.asBytes(':hashes')}, ${on.asBytes(':salts')})
    ${on.overwriting(['tile_level', 'tile_number'], ['hashes', 'salts'])}`,
);

const runColumns = 'first_leaf, first_id, row_count';

export const lastRun = readOn<RunRow, Record<string, never>>(
  'audit.last_run',
  () => `select ${runColumns} from audit_runs order by first_leaf desc limit 1`,
);

/** The run that has this id, or if none has it the last one before it. */
export const runOfId = readOn<RunRow, { id: number }>(
  'audit.run_of_id',
  () => `select ${runColumns} from audit_runs where first_id <= :id order by first_id desc limit 1`,
);

/** Runs that have leaves from `leaf` on, in the order of the leaves. */
export const runsFrom = readOn<RunRow, { leaf: number; limit: string }>(
  'audit.runs_from',
  () => `
    select ${runColumns} from audit_runs where first_leaf + row_count > :leaf order by first_leaf limit :limit`,
);

export const insertRun = writeOn<never, { leaf: number; id: number; count: number }>(
  'audit.insert_run',
  () => 'insert into audit_runs (first_leaf, first_id, row_count) values (:leaf, :id, :count)',
);

export const extendRun = writeOn<never, { leaf: number; count: number }>(
  'audit.extend_run',
  () => 'update audit_runs set row_count = row_count + :count where first_leaf = :leaf',
);

export const insertCheckpoint = writeOn<never, { size: number; note: string }>(
  'audit.insert_checkpoint',
  () => 'insert into audit_checkpoints (size, note) values (:size, :note)',
);

/** The newest checkpoints below a size. */
export const checkpointsBelow = readOn<CheckpointRow, { size: number; limit: string }>(
  'audit.checkpoints_below',
  () => 'select size, note from audit_checkpoints where size < :size order by size desc limit :limit',
);

/** The oldest checkpoints from a size on. */
export const checkpointsFrom = readOn<CheckpointRow, { size: number; limit: string }>(
  'audit.checkpoints_from',
  () => 'select size, note from audit_checkpoints where size >= :size order by size limit :limit',
);

export const readKeys = readOn<{ readonly place: number; readonly verifier_key: string }, Record<string, never>>(
  'audit.read_keys',
  () => 'select place, verifier_key from audit_keys order by place',
);

export const insertKey = writeOn<never, { place: number; key: string }>(
  'audit.insert_key',
  () => 'insert into audit_keys (place, verifier_key) values (:place, :key)',
);

export interface ErasureRow {
  readonly audit_id: Whole;
  readonly part: string;
  readonly commitment: string;
  readonly erasure_id: Whole;
}

export const erasuresBetween = readOn<ErasureRow, { from: number; to: number; limit: string }>(
  'audit.erasures_between',
  () => `
    select audit_id, part, commitment, erasure_id
      from audit_erasures
     where audit_id between :from and :to
     order by audit_id, part
     limit :limit`,
);
