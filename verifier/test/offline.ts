import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { auditBundle } from '../../platform/src/audit/bundle.ts';
import { eraseFromAudit } from '../../platform/src/audit/erase.ts';
import { recordAudit } from '../../platform/src/audit/record.ts';
import { auditSigner } from '../../platform/src/audit/signing.ts';
import {
  auditIds,
  contextOf,
  type LedgerWorld,
  openLedgerWorld,
  testSigner,
} from '../../platform/src/audit/test/ledger-world.ts';
import { barrier } from '../../platform/src/testing/scratch-database.ts';
import type { RealDatabaseCase } from '../../platform/src/testing/index.ts';

export const verifier = path.join(import.meta.dirname, '..', 'verify-audit.mjs');
export const laterSigner = auditSigner('quinta-audit-test', 'the later key of these tests, for nothing else');

export interface OfflineVerdict {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly isSound: boolean | null;
  readonly summary: string;
  readonly notes: readonly string[];
  readonly fault: { readonly kind: string; readonly auditId: number | null; readonly message: string } | undefined;
  /** Why nothing can be said. */
  readonly error: string;
}

/** Runs the verifier as a process, on a text that is written to its standard input. */
export async function verifyOffline(input: string | Buffer, ...options: readonly string[]): Promise<OfflineVerdict> {
  const ran = await runVerifier(input, '--json', ...options, '-');
  const json = JSON.parse(ran.stdout || ran.stderr) as Omit<OfflineVerdict, keyof typeof ran>;
  return { ...ran, ...json };
}

export async function runVerifier(
  input: string | Buffer,
  ...options: readonly string[]
): Promise<Pick<OfflineVerdict, 'status' | 'stdout' | 'stderr'>> {
  const child = spawn(process.execPath, [verifier, ...options], { stdio: 'pipe' });
  // It may end before it has read all.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await ended, stdout, stderr };
}

export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'quinta-verifier-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The options by which kept notes are given. */
export async function keptIn(folder: string, notes: readonly string[]): Promise<readonly string[]> {
  const file = path.join(folder, 'kept.txt');
  await writeFile(file, notes.join('\n'));
  return ['--checkpoint', file];
}

export async function bundleOf({ database }: Pick<LedgerWorld, 'database'>): Promise<string> {
  let whole = '';
  for await (const part of auditBundle(database)) whole += part.text;
  return whole;
}

/** A ledger with everything in it that a bundle can have: four checkpoints, two keys, a late row, erased parts. */
export async function openRichLedger(real: RealDatabaseCase): Promise<LedgerWorld> {
  const world = await openLedgerWorld(real);
  await world.write(5);
  await world.write(2, { resourceType: 'member', resourceId: 'member-1' });
  await world.seal();
  await writeLate(world);
  await world.sealer({ signer: laterSigner, previousSigner: testSigner }).sealNow();
  await world.write(3);
  await world.write(1, { action: 'erase', resourceType: 'erasure', resourceId: 'member-1' });
  const later = world.sealer({ signer: laterSigner });
  await later.sealNow();
  const erasureId = (await auditIds(world)).at(-1) ?? 0;
  await eraseFromAudit(world.database, { userId: 'member-1', personResource: 'member', erasureId });
  await world.write(2);
  await later.sealNow();
  return world;
}

/** Two rows, of which the one with the larger id is sealed first. */
async function writeLate(world: LedgerWorld): Promise<void> {
  const [begun, mayEnd] = [barrier(2), barrier(2)];
  const late = world.database.transact(async (tx) => {
    await recordAudit(tx, contextOf(1), { action: 'create', resourceType: 'cow', resourceId: 'MX-late' });
    await begun();
    await mayEnd();
  });
  await begun();
  await world.write(1);
  await world.seal();
  await mayEnd();
  await late;
}
