import { type Db, readOn } from '../database/index.ts';
import type { Gap } from './late-rows.ts';
import { isEmptied, runOf } from './sealed-rows.ts';
import { type ErasureRow, rowsBetween, runsFrom } from './seal-statements.ts';
import type { AuditFault } from './verify.ts';

/** What the walk along the tree cannot meet: rows beside it, and erasures that nobody ordered. */

type Whole = number | string;

const countUpTo = readOn<{ readonly found: Whole }, { from: number; to: number }>(
  'audit.count_between',
  () => 'select count(*) as found from audit_logs where id between :from and :to',
);

const firstBetween = readOn<{ readonly id: Whole | null }, { from: number; to: number }>(
  'audit.first_between',
  () => 'select min(id) as id from audit_logs where id between :from and :to',
);

const runIds = 1_000;
/** Keys below any that a sequence gives; both engines and both types of key reach it. */
const idMin = -2_147_483_648;

/** A row below the tree's highest id that is in no leaf, and in no gap that is open still. */
export async function findAdded(
  db: Db,
  tree: { readonly size: number; readonly highId: number; readonly gaps: readonly Gap[] },
): Promise<AuditFault | undefined> {
  const [all] = await countUpTo(db, { from: idMin, to: tree.highId });
  let waiting = 0;
  for (const gap of tree.gaps) waiting += Number((await countUpTo(db, gap))[0]?.found ?? 0);
  if (Number(all?.found ?? 0) === tree.size + waiting) return undefined;
  for (const hole of await holesOf(db, tree)) {
    const [first] = await firstBetween(db, hole);
    if (first && first.id !== null) return added(Number(first.id));
  }
  return added(undefined);
}

/** Ranges of ids that no leaf and no open gap has. */
async function holesOf(
  db: Db,
  tree: { readonly highId: number; readonly gaps: readonly Gap[] },
): Promise<{ readonly from: number; readonly to: number }[]> {
  const taken: { from: number; to: number }[] = tree.gaps.map(({ from, to }) => ({ from, to }));
  for (let leaf = 0; ;) {
    const runs = (await runsFrom(db, { leaf, limit: `${runIds}` })).map(runOf);
    taken.push(...runs.map(({ firstId, count }) => ({ from: firstId, to: firstId + count - 1 })));
    const last = runs.at(-1);
    if (!last || runs.length < runIds) break;
    leaf = last.firstLeaf + last.count;
  }
  let next = idMin;
  const holes = taken
    .toSorted((one, other) => one.from - other.from)
    .flatMap(({ from, to }) => {
      const hole = { from: next, to: from - 1 };
      next = Math.max(next, to + 1);
      return hole.from <= hole.to ? [hole] : [];
    });
  return next <= tree.highId ? [...holes, { from: next, to: tree.highId }] : holes;
}

function added(auditId: number | undefined): AuditFault {
  const which = auditId === undefined ? 'A row' : `Row ${auditId}`;
  return { kind: 'added', auditId, message: `${which} was added behind the sealer's back` };
}

const erasuresAfter = readOn<
  ErasureRow & { readonly ordered: string | null },
  { id: number; part: string; limit: string }
>(
  'audit.erasures_after',
  () => `
    select e.audit_id, e.part, e.commitment, e.erasure_id, o.action as ordered
      from audit_erasures e
      left join audit_logs o on o.id = e.erasure_id
     where e.audit_id > :id or (e.audit_id = :id and e.part > :part)
     order by e.audit_id, e.part
     limit :limit`,
);

const erasuresMax = 1_000;
/** The action of the audit row by which an erasure is ordered. */
export const erasureAction = 'erase';

/** Each erasure was ordered by an audit row, and what it names is empty. */
export async function checkErasures(db: Db): Promise<AuditFault | undefined> {
  let last = { id: 0, part: '' };
  for (;;) {
    const page = await erasuresAfter(db, { ...last, limit: `${erasuresMax}` });
    for (const erasure of page) {
      const fault = await erasureFault(db, erasure);
      if (fault) return fault;
      last = { id: Number(erasure.audit_id), part: erasure.part };
    }
    if (page.length < erasuresMax) return undefined;
  }
}

async function erasureFault(
  db: Db,
  erasure: ErasureRow & { readonly ordered: string | null },
): Promise<AuditFault | undefined> {
  const id = Number(erasure.audit_id);
  if (erasure.ordered !== erasureAction) {
    const message = `The ${erasure.part} of row ${id} was erased, and no audit row says by whom`;
    return { kind: 'erasure', auditId: id, message };
  }
  const [row] = await rowsBetween(db, { from: id, to: id, limit: '1' });
  if (row && isEmptied(row, erasure.part === 'origin' ? 'origin' : 'values')) return undefined;
  const message = `The ${erasure.part} of row ${id} is said to be erased, and is not`;
  return { kind: 'erasure', auditId: id, message };
}
