import type { Db } from '../database/index.ts';
import type { SealedRow } from './sealed-rows.ts';
import { checkpointsFrom, readKeys } from './seal-statements.ts';
import { type AuditVerifier, auditVerifier, parseCheckpoint, type SignedCheckpoint } from './signing.ts';
import type { TreeEdge } from './tree-edge.ts';
import type { AuditFault } from './verify.ts';

/** Ends the walk: the first fault is known. */
export class CheckpointFault extends Error {
  readonly fault: AuditFault;

  constructor(fault: AuditFault) {
    super(fault.message);
    this.fault = fault;
  }
}

/**
 * Compares the growing tree with each checkpoint as it passes it. A row whose hash is not the sealed one is remembered
 * until the next checkpoint tells who is right: where the root is the signed one the rows are, and the stored hash was
 * damaged; otherwise the row was edited.
 */
export interface CheckpointWatch {
  /** The size at which the next checkpoint stands; Infinity behind the last one. */
  readonly nextSize: number;
  /** The tree has grown to `nextSize`. */
  passed(edge: TreeEdge): Promise<void>;
  mismatch(sealed: SealedRow): void;
  /** The id of the row that was appended last. */
  last(auditId: number): void;
  /** The tree has no more rows than these. */
  reachedEnd(size: number): void;
  /** Checks the keys, and returns how many checkpoints there were. */
  finish(): number;
}

interface Noted {
  readonly size: number;
  readonly note: string;
  /** Kept outside of the database. */
  readonly isKept: boolean;
}

const pageMax = 1_000;

export async function checkpointWatch(
  db: Db,
  tree: { readonly origin: string },
  trust: { readonly keptNotes?: readonly string[]; readonly trustedKeys?: readonly string[] },
): Promise<CheckpointWatch> {
  const keys = await readVerifiers(db, trust.trustedKeys ?? []);
  const notes = notesOf(db, (trust.keptNotes ?? []).map(keptNote));
  let next = (await notes.next()).value ?? undefined;
  let mismatched: SealedRow | undefined;
  let checkpoints = 0;
  let lastSize = 0;
  let lastId = 0;
  let goodId = 0;

  const compare = (noted: Noted, edge: TreeEdge): void => {
    const checkpoint = readNote(noted, tree.origin);
    keys.check(checkpoint, noted.isKept);
    const isRight = checkpoint.root.equals(edge.root());
    if (isRight && mismatched) throw damagedHash(mismatched);
    if (mismatched) throw editedRow(mismatched);
    if (!isRight) throw rewritten(noted, goodId, lastId);
    if (!noted.isKept) checkpoints += 1;
    if (!noted.isKept && checkpoint.number !== checkpoints) throw missing(checkpoints, checkpoint.size);
    lastSize = noted.isKept ? lastSize : noted.size;
    goodId = lastId;
  };

  return {
    get nextSize() {
      return next?.size ?? Number.POSITIVE_INFINITY;
    },
    passed: async (edge) => {
      while (next?.size === edge.size) {
        compare(next, edge);
        next = (await notes.next()).value ?? undefined;
      }
    },
    mismatch: (sealed) => {
      mismatched ??= sealed;
    },
    last: (auditId) => {
      lastId = auditId;
    },
    reachedEnd: (size) => {
      if (mismatched) throw editedRow(mismatched);
      if (next) throw cutTail(readNote(next, tree.origin), size, lastId);
      if (lastSize !== size) throw missing(checkpoints + 1, size);
    },
    finish: () => {
      keys.finish();
      return checkpoints;
    },
  };
}

interface Verifiers {
  check(checkpoint: SignedCheckpoint, isKept: boolean): void;
  finish(): void;
}

/**
 * The listed keys form a chain: each made a checkpoint, whose text names it, that a key which was good before has
 * signed as well. The chain begins with the trusted keys, or where none is given with the first listed one.
 */
async function readVerifiers(db: Db, trustedKeys: readonly string[]): Promise<Verifiers> {
  const listed = (await readKeys(db, {})).map(({ verifier_key: key }) => verifierOf(key, 'audit_keys holds'));
  const trusted = trustedKeys.map((key) => verifierOf(key, 'The trusted key is'));
  const good = trusted.length > 0 ? [...trusted] : listed.slice(0, 1);
  const waiting = listed.filter((key) => !good.some((other) => other.verifierKey === key.verifierKey));
  return {
    check: ({ note, size, key: keyText }) => {
      const maker = [...good, ...waiting].find(({ verifierKey }) => verifierKey === keyText);
      const isNew = maker !== undefined && waiting.includes(maker);
      if (!maker?.hasSigned(note) || (isNew && !good.some((key) => key.hasSigned(note)))) {
        throw new CheckpointFault({
          kind: 'checkpoint',
          auditId: undefined,
          message: `The checkpoint of ${size} rows is not signed by a key that can be trusted`,
        });
      }
      if (isNew) good.push(...waiting.splice(waiting.indexOf(maker), 1));
    },
    finish: () => {
      const [unknown] = waiting;
      if (!unknown) return;
      throw new CheckpointFault({
        kind: 'key',
        auditId: undefined,
        message: `The key ${unknown.verifierKey} was not confirmed by the one before it`,
      });
    },
  };
}

function verifierOf(key: string, what: string): AuditVerifier {
  const verifier = auditVerifier(key);
  if (verifier) return verifier;
  throw new CheckpointFault({ kind: 'key', auditId: undefined, message: `${what} "${key}", which is no Ed25519 key` });
}

/** Stored and kept checkpoints, by size. */
async function* notesOf(db: Db, kept: readonly Noted[]): AsyncGenerator<Noted, undefined> {
  const waiting = kept.toSorted((one, other) => one.size - other.size);
  for (let from = 0; ;) {
    const page = await checkpointsFrom(db, { size: from, limit: `${pageMax}` });
    for (const row of page) {
      const size = Number(row.size);
      while (waiting[0] && waiting[0].size <= size) yield* waiting.splice(0, 1);
      yield { size, note: row.note, isKept: false };
      from = size + 1;
    }
    if (page.length < pageMax) break;
  }
  yield* waiting;
  return undefined;
}

function keptNote(note: string): Noted {
  const checkpoint = parseCheckpoint(note);
  if (checkpoint) return { size: checkpoint.size, note, isKept: true };
  const message = `The kept checkpoint cannot be read: ${note.slice(0, 80)}`;
  throw new CheckpointFault({ kind: 'checkpoint', auditId: undefined, message });
}

function readNote({ size, note, isKept }: Noted, origin: string): SignedCheckpoint {
  const checkpoint = parseCheckpoint(note);
  if (checkpoint?.size !== size) throw wrongNote(`The stored checkpoint of ${size} rows is not one of ${size} rows`);
  if (checkpoint.origin === origin) return checkpoint;
  const whose = isKept ? 'The kept checkpoint' : 'The stored checkpoint';
  throw wrongNote(`${whose} of ${size} rows is of the log ${checkpoint.origin}, and this is ${origin}`);
}

function wrongNote(message: string): CheckpointFault {
  return new CheckpointFault({ kind: 'checkpoint', auditId: undefined, message });
}

function editedRow({ id, leaf }: SealedRow): CheckpointFault {
  const message = `Row ${id} is not what was sealed as leaf ${leaf}: it, or its salt, was edited`;
  return new CheckpointFault({ kind: 'edited', auditId: id, message });
}

function damagedHash({ id, leaf }: SealedRow): CheckpointFault {
  const message = `The stored hash of leaf ${leaf} was damaged; row ${id} itself is as it was`;
  return new CheckpointFault({ kind: 'tree', auditId: undefined, message });
}

/** Row and stored hash agree with each other, and not with what was signed. */
function rewritten({ size, isKept }: Noted, goodId: number, lastId: number): CheckpointFault {
  const whose = isKept ? 'kept' : 'stored';
  const message = `One of the rows behind ${goodId} up to ${lastId} was rewritten together with its hash: the ${whose} checkpoint of ${size} rows has another root`;
  return new CheckpointFault({ kind: 'rewritten', auditId: undefined, message });
}

function cutTail(checkpoint: SignedCheckpoint, size: number, lastId: number): CheckpointFault {
  const message = `The newest rows were cut off behind row ${lastId}: there are ${size}, and a checkpoint of ${checkpoint.time} has ${checkpoint.size}`;
  return new CheckpointFault({ kind: 'cut', auditId: lastId, message });
}

function missing(number: number, size: number): CheckpointFault {
  const message = `Checkpoint ${number} is missing: the next one, or the end, is at ${size} rows`;
  return new CheckpointFault({ kind: 'checkpoint', auditId: undefined, message });
}
