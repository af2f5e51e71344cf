import { createMigrator, type Database, readStatement, type Tx } from '../../database/index.ts';
import { type Clock, type Context, silentLog, systemClock } from '../../kernel/index.ts';
import { openScratch, type Scratch } from '../../testing/scratch-database.ts';
import { type RealDatabaseCase, txWith } from '../../testing/index.ts';
import { type AuditEntry, recordAudit } from '../record.ts';
import { createSealer, type Sealer, type SealerOptions } from '../sealer.ts';
import { auditSigner } from '../signing.ts';
import { type AuditVerdict, verifyAudit, type VerifyOptions } from '../verify.ts';

/** A database with an audit table, its tree and its erasures. */
export interface LedgerWorld extends Scratch {
  /** Writes rows, each in a transaction of its own. */
  write(count: number, change?: Partial<AuditEntry>): Promise<void>;
  sealer(options?: Partial<SealerOptions>): Sealer;
  seal(): Promise<number>;
  verify(options?: Partial<VerifyOptions>): Promise<AuditVerdict>;
  /** The newest notes, newest first. */
  notes(): Promise<string[]>;
}

const testSecret = 'a key for tests and for nothing else';
const testOrigin = 'quinta/test';
export const testSigner = auditSigner('quinta-audit-test', testSecret);

const platformMigrations = new URL('../../../migrations/', import.meta.url);

export async function openLedgerWorld(real: RealDatabaseCase): Promise<LedgerWorld> {
  const scratch = await openScratch(real);
  await createMigrator({
    url: scratch.url,
    service: 'test',
    streams: [
      {
        name: 'platform',
        folder: platformMigrations,
        only: ['p003_audit_logs', 'p004_audit_proof', 'p005_allow_audit_erasure'],
      },
    ],
    lockTimeoutMs: 10_000,
    log: silentLog,
  }).up();
  const sealer = (options: Partial<SealerOptions> = {}): Sealer =>
    createSealer({
      database: scratch.database,
      origin: testOrigin,
      signer: testSigner,
      clock: systemClock,
      log: silentLog,
      ...options,
    });
  const own = sealer();
  return {
    ...scratch,
    write: (count, change) => writeRows(scratch.database, count, change),
    sealer,
    seal: async () => {
      // Whoever was killed holds its lock until the server has noticed.
      for (;;) {
        const rows = await own.sealNow();
        if (rows !== undefined) return rows;
      }
    },
    verify: (options) => verifyNow(scratch.database, options),
    notes: async () => {
      const rows = await scratch.run('select note from audit_checkpoints order by size desc');
      return rows.map(({ note }) => String(note));
    },
  };
}

function verifyNow(database: Database, options: Partial<VerifyOptions> = {}): Promise<AuditVerdict> {
  return database.transact((tx) => verifyAudit(tx, { origin: testOrigin, ...options }), {
    isolation: 'repeatable read',
  });
}

let written = 0;

async function writeRows(database: Database, count: number, change: Partial<AuditEntry> = {}): Promise<void> {
  for (let place = 0; place < count; place += 1) {
    written += 1;
    const entry = entryOf(written, change);
    await database.transact((tx) => recordAudit(tx, contextOf(written), entry));
  }
}

/** Rows of all kinds: with and without values, with characters that need care. */
function entryOf(place: number, change: Partial<AuditEntry>): AuditEntry {
  return {
    action: place % 3 === 0 ? 'update' : 'create',
    resourceType: 'cow',
    resourceId: `MX-${place}`,
    newValues: { weight_kg: place, note: place % 5 === 0 ? 'ñ "x" \\ 👍\n' : 'plain' },
    ...(place % 3 === 0 ? { oldValues: { weight_kg: place - 1 } } : {}),
    ...change,
  };
}

export function contextOf(place: number, clock: Clock = systemClock): Context {
  return {
    requestId: `0190f3a2-5c1e-7a43-9a51-${String(place).padStart(12, '0')}`,
    traceId: '0'.repeat(32),
    actor: { id: `member-${place % 4}`, name: 'Kim', role: 'staff', sessionId: '' },
    client: { address: `203.0.113.${place % 200}`, userAgent: `agent ${place % 7}` },
    operation: 'cow.weigh',
    method: 'POST',
    endpoint: `/cows/${place}`,
    clock,
    log: silentLog,
    signal: new AbortController().signal,
  };
}

/** The ids of all audit rows, in their order. */
export async function auditIds(world: Pick<Scratch, 'run'>): Promise<number[]> {
  return (await world.run('select id from audit_logs order by id')).map(({ id }) => Number(id));
}

/** The database, whose connection the server ends when so many statements of its transactions have run. */
export function killedAfter(world: Pick<Scratch, 'kill'>, database: Database, statements: number): Database {
  const text = database.dialect.name === 'mysql' ? 'select connection_id() as id' : 'select pg_backend_pid() as id';
  const whoAmI = readStatement<[], { readonly id: number }>('test.connection', text);
  let left = statements;
  const killing = (tx: Tx): Tx =>
    txWith(tx, async (statement, params) => {
      left -= 1;
      if (left < 0) await world.kill((await tx.run(whoAmI, [])).rows[0]?.id ?? 0);
      return tx.run(statement, params);
    });
  const transact: Database['transact'] = (work, options) => database.transact((tx) => work(killing(tx)), options);
  return {
    dialect: database.dialect,
    pool: database.pool,
    run: (statement, params) => database.run(statement, params),
    runAlone: (statement, params) => database.runAlone(statement, params),
    transact,
    ping: () => database.ping(),
    close: () => database.close(),
  };
}
