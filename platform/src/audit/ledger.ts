import { setTimeout } from 'node:timers/promises';
import type { Database } from '../database/index.ts';
import { type Clock, type Log, Problem } from '../kernel/index.ts';
import {
  auditKeys,
  checkpointPage,
  type ConsistencyProof,
  type InclusionProof,
  notSealedYet,
  proveConsistency,
  proveInclusion,
} from './prove.ts';
import { createSealer, type SealerOptions } from './sealer.ts';
import { readLag } from './seal-statements.ts';
import { createShipper, type Sink } from './ship.ts';
import { auditSigner, type SignedCheckpoint } from './signing.ts';

/** A service's audit as something that can be proved: sealing in the background, and proofs. */
export interface AuditLedger {
  /** Seals what is there now. */
  seal(): Promise<void>;
  /** Begins to seal, and to send checkpoints away. */
  start(): void;
  /** Seals once more where it was started, and ends. */
  stop(): Promise<void>;
  /**
   * A row that was written a moment ago is sealed first.
   * @throws Problem audit_log_not_sealed_yet, audit_log_altered, audit_checkpoint_not_found
   */
  proveInclusion(auditId: number, size?: number): Promise<InclusionProof>;
  /** @throws Problem audit_checkpoint_not_found */
  proveConsistency(from: number, to: number): Promise<ConsistencyProof>;
  /** Newest first. */
  checkpoints(page: { readonly belowSize?: number | undefined; readonly limit: number }): Promise<SignedCheckpoint[]>;
  /** C2SP verifier keys, oldest first. */
  keys(): Promise<string[]>;
  lag(): Promise<SealLag>;
}

/** How far sealing is behind. */
export interface SealLag {
  /** Age of the oldest row that is not sealed; 0 where all are. */
  readonly seconds: number;
  /** Ids that were given since the newest sealed row. */
  readonly rows: number;
}

export interface LedgerOptions {
  readonly database: Database;
  readonly service: string;
  readonly signingKey: string;
  readonly previousSigningKey?: string | undefined;
  readonly sinks: readonly Sink[];
  readonly shipEveryMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly observe?: SealerOptions['observe'];
}

/** Another process may be sealing; its batch ends soon. */
const sealedSoonMs = 2_000;
const lookAgainMs = 50;

export function openAuditLedger(options: LedgerOptions): AuditLedger {
  const { database, service, log, clock, signingKey, previousSigningKey: previous } = options;
  const keyName = `quinta-audit-${service}`;
  const sealer = createSealer({
    database,
    origin: ledgerOrigin(service),
    signer: auditSigner(keyName, signingKey),
    previousSigner: previous === undefined ? undefined : auditSigner(keyName, previous),
    clock,
    log,
    ...(options.observe ? { observe: options.observe } : {}),
  });
  let isStarted = false;
  const shipper = createShipper({ database, sinks: options.sinks, everyMs: options.shipEveryMs, log });
  return {
    seal: async () => void (await sealer.sealNow()),
    start: () => {
      isStarted = true;
      sealer.start();
      shipper.start();
    },
    stop: async () => {
      await shipper.stop();
      await sealer.stop();
      if (!isStarted) return;
      // What cannot be sealed now is sealed at the next start.
      await sealer.sealNow().catch((error: unknown) => log.warn({ error }, 'The last audit rows were not sealed'));
    },
    proveInclusion: (auditId, size) =>
      provedSoon(
        () => proveInclusion(database, auditId, size),
        () => sealer.sealNow(),
      ),
    proveConsistency: (from, to) => proveConsistency(database, from, to),
    checkpoints: (page) => checkpointPage(database, page),
    keys: () => auditKeys(database),
    lag: async () => {
      const [row] = await readLag(database, {});
      const rows = Number(row?.newest_id ?? 0) - Number(row?.high_id ?? 0);
      return { seconds: Math.max(0, Number(row?.age_ms ?? 0) / 1000), rows: Math.max(0, rows) };
    },
  };
}

/** The beginning of the origin of a service's checkpoints. */
export function ledgerOrigin(service: string): string {
  return `quinta/${service}`;
}

async function provedSoon<T>(prove: () => Promise<T>, seal: () => Promise<unknown>): Promise<T> {
  const deadlineMs = performance.now() + sealedSoonMs;
  for (;;) {
    try {
      return await prove();
    } catch (error) {
      const isWaiting = error instanceof Problem && error.code === notSealedYet.definition.code;
      if (!isWaiting || performance.now() > deadlineMs) throw error;
    }
    const sealed = await seal();
    if (sealed === undefined) await setTimeout(lookAgainMs);
    else if (sealed === 0) return prove();
  }
}
