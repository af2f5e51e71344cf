import type { Contestant, Running } from '../contestants/contestant.ts';
import { runPgbench } from '../load/pgbench.ts';
import { query } from '../stage/sql.ts';
import type { BenchDatabase, Stage } from '../stage/stage.ts';
import {
  differencesOf,
  type NormalisedRows,
  normaliseRows,
  promisedAuditColumns,
  type Row,
} from './normalised-rows.ts';
import { answerFaults } from './same-answers.ts';

/** What a check found of one contestant. */
export interface Checked {
  readonly faults: readonly string[];
  /** What it wrote; undefined where it wrote none. */
  readonly rows: NormalisedRows | undefined;
  /** Columns of `audit_logs` that it fills beyond the promised ones. */
  readonly furtherColumns: readonly string[];
}

/**
 * Whether a contestant answers as it must (every address of it) and leaves exactly one voucher and one audit row for
 * each that it drew. Its database must be empty.
 */
export async function checkContestant(
  stage: Stage,
  { contestant, running, database }: { contestant: Contestant; running: Running; database: BenchDatabase },
): Promise<Checked> {
  const faults: string[] = [];
  for (const address of running.addresses) faults.push(...(await answerFaults(stage, address)));
  if (running.addresses.length === 0) await drawByPgbench(stage, contestant, database);
  const written = await query<{ vale: Row; audit: Row | null }>(
    database.sql,
    `select to_jsonb(v) as vale, to_jsonb(a) as audit
       from vales v left join audit_logs a on a.resource_type = 'vale' and a.resource_id = v.id order by v.id, a.id`,
  );
  const expected = Math.max(1, running.addresses.length);
  if (written.length !== expected) faults.push(`${written.length} vouchers and audit rows instead of ${expected}`);
  const pairs = written.flatMap(({ vale, audit }) => (audit === null ? [] : [{ vale, audit }]));
  if (pairs.length < written.length) faults.push('a voucher has no audit row');
  const [first] = pairs;
  return {
    faults: faults.map((fault) => `${contestant.title}: ${fault}`),
    rows: first ? normaliseRows(first.vale, first.audit) : undefined,
    furtherColumns: Object.entries(first?.audit ?? {})
      .filter(([name, value]) => value !== null && !(promisedAuditColumns as readonly string[]).includes(name))
      .map(([name]) => name),
  };
}

/** How the rows of contestants differ from MEXA's, in sentences. */
export function rowFaultsOf(title: string, own: Checked, mexa: Checked): string[] {
  if (!own.rows || !mexa.rows) return [`${title}: there are no rows to compare`];
  return differencesOf(own.rows, mexa.rows).map((difference) => `${title}: ${difference}`);
}

async function drawByPgbench(stage: Stage, { name }: Contestant, database: BenchDatabase): Promise<void> {
  const script = name === 'pgbench' ? 'transaction' : 'one-statement';
  await runPgbench(stage, database, { script, clients: 1, until: { transactions: 1 } });
}
