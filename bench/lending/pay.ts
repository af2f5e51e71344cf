import { type LoadResult, loadHttp } from '../load/http-load.ts';
import type { Figures } from '../members/rounds.ts';
import type { Bench } from '../parts/part.ts';
import { cpuMicrosecondsOf } from '../stage/proc.ts';
import { query, queryOne } from '../stage/sql.ts';
import type { BenchDatabase, Stage } from '../stage/stage.ts';
import type { LendingPlace } from './place.ts';

/** What wrk leaves unanswered when it stops may have been taken all the same. */
interface Taken {
  acknowledged: number;
  unanswered: number;
}

/** A place and what has been paid there so far. */
export interface Till {
  readonly place: LendingPlace;
  readonly taken: Taken;
}

export function openTill(place: LendingPlace): Till {
  return { place, taken: { acknowledged: 0, unanswered: 0 } };
}

/** Sends payments of 1,000.00 to loans by chance for so long, each connection one after the other. */
export async function pay(
  { stage, generator }: Bench,
  { place, taken }: Till,
  asked: { readonly loanIds: readonly string[]; readonly connections: number; readonly seconds: number },
): Promise<{ readonly figures: Figures; readonly faults: readonly string[] }> {
  const { loanIds, connections, seconds } = asked;
  place.rest();
  await query(place.database.sql, 'checkpoint');
  const paths = loanIds.map((id) => `/api/v1/loans/${id}/payments`);
  const body = JSON.stringify({ amount: '1000.00' });
  const stream = { kind: 'posts', label: 'loans', paths, tokens: place.tokens, body } as const;
  const used = cpuMeter(stage, place.pid);
  const load = await loadHttp(stage, generator, [place.address], { connections, seconds, stream });
  const cpu = used();
  const { completed, notOk, broken } = load;
  taken.acknowledged += completed - notOk;
  taken.unanswered += connections;
  const faults = notOk + broken > 0 ? [`${notOk} of ${completed} answers were no success, ${broken} never came`] : [];
  return {
    figures: { ...figuresOf(load), nodeUs: cpu.nodeUs / completed, databaseUs: cpu.databaseUs / completed },
    faults,
  };
}

export function figuresOf({ completed, durationSeconds, p50Ms, p99Ms }: LoadResult): Figures {
  return { perSecond: completed / durationSeconds, p50Ms, p99Ms };
}

/** The CPU time from now until it is asked for, in microseconds; NaN where the system does not tell. */
export function cpuMeter(stage: Stage, pid?: number): () => { readonly nodeUs: number; readonly databaseUs: number } {
  const read = (): readonly [number, number] => [
    (pid === undefined ? undefined : cpuMicrosecondsOf([pid])) ?? NaN,
    cpuMicrosecondsOf([stage.postmasterPid]) ?? NaN,
  ];
  const [node, database] = read();
  return () => {
    const [nodeNow, databaseNow] = read();
    return { nodeUs: nodeNow - node, databaseUs: databaseNow - database };
  };
}

interface Counted {
  readonly payments: number;
  readonly events: number;
  readonly entries: number;
  readonly audits: number;
  readonly messages: number;
  readonly unbalanced: number;
  readonly wrong_loans: number;
}

/** Every payment that was answered is there with all that belongs to it, and the ledger holds; else what does not. */
export async function tillFaults({ place, taken }: Till): Promise<readonly string[]> {
  const found = await countPayments(place.database);
  const { payments, unbalanced, wrong_loans: wrongLoans } = found;
  const { acknowledged, unanswered } = taken;
  const faults: string[] = [];
  if (payments < acknowledged || payments > acknowledged + unanswered) {
    faults.push(`${payments} payments are there where ${acknowledged} were answered`);
  }
  for (const part of ['events', 'entries', 'audits', 'messages'] as const) {
    if (found[part] !== payments) faults.push(`${payments} payments have ${found[part]} ${part}`);
  }
  if (unbalanced > 0) faults.push(`${unbalanced} entries do not balance`);
  if (wrongLoans > 0) faults.push(`${wrongLoans} loans are owed something else than their account says`);
  return faults;
}

function countPayments({ sql }: BenchDatabase): Promise<Counted> {
  return queryOne<Counted>(
    sql,
    `select (select count(*)::int from payments) as payments,
            (select count(*)::int from loan_events where kind = 'payment') as events,
            (select count(*)::int from entries e join loan_events o on o.id = e.event_id where o.kind = 'payment')
              as entries,
            (select count(*)::int from audit_logs where action = 'create' and resource_type = 'payment') as audits,
            (select count(*)::int from outbox where event_type = 'payment_registered') as messages,
            (select count(*)::int from (select from postings group by entry_id having sum(amount) <> 0) u) as unbalanced,
            (select count(*)::int from loans l where l.current_balance <> coalesce((select sum(p.amount)
               from entries e join postings p on p.entry_id = e.id and p.account = '1301' where e.loan_id = l.id), 0))
              as wrong_loans`,
  );
}
