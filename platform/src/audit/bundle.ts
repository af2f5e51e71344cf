import type { Db } from '../database/index.ts';
import { personalPartNames, saltBytes } from './leaf.ts';
import { auditKeys, checkpointPage } from './prove.ts';
import type { SealedRow } from './sealed-rows.ts';
import { sealedWindows } from './sealed-windows.ts';
import { checkpointsFrom } from './seal-statements.ts';

/**
 * Everything that somebody needs to verify the audit alone: a line of JSON for the log, one for each sealed row in the
 * order of the tree, with its salts, and one for each checkpoint, behind the rows that it covers. `verify-audit.mjs` reads it.
 */
export interface BundlePart {
  readonly rows: number;
  readonly text: string;
}

const bundleFormat = 'quinta-audit-bundle';
const bundleVersion = 1;
const checkpointsMax = 1_000;

/** The bundle up to the newest checkpoint; without one it has no rows. Each checkpoint stands behind its rows. */
export async function* auditBundle(db: Db): AsyncGenerator<BundlePart> {
  const [newest] = await checkpointPage(db, { limit: 1 });
  const keys = await auditKeys(db);
  const size = newest?.size ?? 0;
  yield part(0, [{ format: bundleFormat, version: bundleVersion, origin: newest?.origin ?? null, size, keys }]);
  const checkpoints = storedCheckpoints(db);
  let checkpoint = await checkpoints.next();
  for await (const window of sealedWindows(db, size)) {
    const lines: object[] = [];
    for (const sealed of window) {
      lines.push(lineOf(sealed));
      while (!checkpoint.done && checkpoint.value.size <= sealed.leaf + 1) {
        lines.push({ checkpoint: checkpoint.value.note });
        checkpoint = await checkpoints.next();
      }
    }
    yield part(window.length, lines);
  }
}

async function* storedCheckpoints(db: Db): AsyncGenerator<{ readonly size: number; readonly note: string }, undefined> {
  for (let from = 0; ;) {
    const page = await checkpointsFrom(db, { size: from, limit: `${checkpointsMax}` });
    for (const row of page) {
      from = Number(row.size) + 1;
      yield { size: Number(row.size), note: row.note };
    }
    if (page.length < checkpointsMax) return undefined;
  }
}

function lineOf({ leaf, sealedHash, salts, row, erased, id }: SealedRow): object {
  const saltOf = (place: number): string => salts.toString('base64url', place * saltBytes, (place + 1) * saltBytes);
  return {
    leaf,
    hash: sealedHash.toString('base64'),
    row: row ?? { id: String(id) },
    salts: Object.fromEntries(personalPartNames.map((name, place) => [name, saltOf(place)])),
    ...(Object.keys(erased).length > 0 ? { erased } : {}),
  };
}

function part(rows: number, lines: readonly object[]): BundlePart {
  return { rows, text: lines.map((line) => `${JSON.stringify(line)}\n`).join('') };
}
