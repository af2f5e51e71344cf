import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerFaults } from './check/same-answers.ts';
import { type Checked, checkContestant, rowFaultsOf } from './check/check-contestant.ts';
import type { Contestant, Running } from './contestants/contestant.ts';
import { contestants } from './contestants/list.ts';
import { mexaContestant } from './contestants/mexa.ts';
import { bareHttp } from './contestants/node-peers.ts';
import { statementAlone } from './contestants/statement-alone.ts';
import { countRows, loadUntil } from './load/bulk-rows.ts';
import { findLoadGenerator, type LoadGenerator, loadHttp } from './load/http-load.ts';
import { readingKinds } from './parts/reading-kinds.ts';
import { parseOptions } from './options.ts';
import { withContestants } from './parts/with-contestants.ts';
import { measure } from './rounds/measure.ts';
import { faultsOf, figureOf, rateRatio, runRounds } from './rounds/rounds.ts';
import { requireDurable } from './stage/machine.ts';
import { query } from './stage/sql.ts';
import { type BenchDatabase, openStage, type Stage } from './stage/stage.ts';

const stopper = new AbortController();
const opened: { readonly running: Running; readonly database: BenchDatabase }[] = [];
let stage: Stage;
let generator: LoadGenerator;
let mexa: { readonly running: Running; readonly database: BenchDatabase; readonly checked: Checked };

beforeAll(async () => {
  stage = await openStage({ signal: stopper.signal, say: () => undefined });
  generator = await findLoadGenerator(stage);
  const one = await open(mexaContestant());
  mexa = { ...one, checked: await checkContestant(stage, { ...one, contestant: mexaContestant() }) };
});

afterAll(async () => {
  for (const { running, database } of opened) {
    await running.stop();
    await database.drop();
  }
  await stage?.close();
});

async function open(contestant: Contestant, name = contestant.name) {
  const database = await stage.makeDatabase(name);
  const one = { database, running: await contestant.start({ stage, generator, database }) };
  opened.push(one);
  return one;
}

/** Python's packages are Debian's and not everywhere; everything else is here in CI, and announced elsewhere. */
function announce(name: string, reason: string): void {
  process.stderr.write(`${name} is left out: ${reason}\n`);
  const isRequired = process.env['QUINTA_TEST_REQUIRE_REAL'] === '1' && !['fastapi', 'flask'].includes(name);
  expect(isRequired).toBe(false);
}

describe('a contestant', () => {
  it('is measured on a PostgreSQL whose commits are durable', async () => {
    await expect(requireDurable(stage)).resolves.toBeUndefined();
    await query(stage.admin, "alter system set synchronous_commit = 'off'");
    await query(stage.admin, 'select pg_reload_conf()');
    await expect.poll(() => requireDurable(stage).catch(String), { timeout: 10_000 }).toContain('synchronous_commit');
    await query(stage.admin, 'alter system reset synchronous_commit');
    await query(stage.admin, 'select pg_reload_conf()');
    await expect.poll(() => requireDurable(stage).catch(String), { timeout: 10_000 }).toBeUndefined();
  });

  it('mexa gives the right answers', () => {
    expect(mexa.checked.faults).toEqual([]);
  });

  const others = contestants.filter(({ name }) => name !== 'mexa' && name !== 'bare');
  it.each(others.map((one) => [one.name, one] as const))(
    '%s gives the answers of MEXA and writes its rows',
    async (_, contestant) => {
      const reason = await contestant.reasonAgainst(stage);
      if (reason !== undefined) {
        announce(contestant.name, reason);
        return;
      }
      const one = await open(contestant);
      const checked = await checkContestant(stage, { ...one, contestant });
      expect([...checked.faults, ...rowFaultsOf(contestant.title, checked, mexa.checked)]).toEqual([]);
      const slot = { name: contestant.name, title: contestant.title, ...one, order: drawing };
      const measured = await measure(stage, slot);
      expect(measured.faults).toEqual([]);
      expect(measured.rows).toBeGreaterThanOrEqual(measured.completed);
    },
  );
});

const drawing = { connections: 4, seconds: 1, stream: { kind: 'draws', isMixed: false } } as const;

describe('a contestant that does less than it should', () => {
  it('is seen by its answers', async () => {
    const { running } = await open(bareHttp);
    const faults = await answerFaults(stage, running.addresses[0] ?? '');
    expect(faults).toContain('without a token: 201 instead of 401');
    expect(faults).toContain('the same again: 201 instead of 200');
    expect(faults).toContain('an unknown user: 201 instead of 422 or 404 or 400');
  });

  it('is seen by the vouchers that are not there', async () => {
    const { running, database } = await open(bareHttp, 'pretender');
    const measured = await measure(stage, {
      name: 'pretender',
      title: 'a pretender',
      running: { ...running, isDurable: true },
      database,
      order: drawing,
    });
    expect(measured.faults.join()).toMatch(/a pretender: \d+ vouchers were acknowledged and 0 are there/);
  });

  it('is seen by an audit row too many', async () => {
    const { running, database } = await open(statementAlone, 'doubled');
    await query(
      database.sql,
      `create function twice() returns trigger language plpgsql as $$ begin
         insert into audit_logs (request_id, action, resource_type, resource_id)
         select gen_random_uuid(), 'create', 'vale', new.id; return null; end $$`,
    );
    await query(database.sql, 'create trigger tr_twice after insert on vales for each row execute function twice()');
    await query(database.sql, 'grant usage on sequence audit_logs_id_seq to bench_app');
    const measured = await measure(stage, { name: 'doubled', title: 'doubled', running, database, order: drawing });
    expect(measured.faults.join()).toMatch(/\d+ vouchers have not exactly one audit row/);
  });
});

describe('a contestant that fails', () => {
  const broken: Contestant = {
    name: 'broken',
    title: 'a broken one',
    reasonAgainst: () => Promise.resolve(undefined),
    start: () => Promise.reject(new Error('no such program')),
  };
  const missing: Contestant = { ...broken, name: 'missing', reasonAgainst: () => Promise.resolve('not installed') };

  it('is named with its reason, and the others go on', async () => {
    const bench = { stage, generator, options: parseOptions(['--quick'], { parts: [], contestants: [] }) };
    const line = await withContestants(bench, [broken, missing, bareHttp], (found) => Promise.resolve(found));
    expect(line.faults).toEqual(['a broken one does not start: no such program']);
    expect(line.leftOut).toEqual(['a broken one: not installed']);
    expect(line.ready.map(({ contestant }) => contestant.name)).toEqual(['bare']);
  });

  it('in a round has no figures, and the others have theirs', async () => {
    const { running, database } = await open(statementAlone, 'rounds');
    const load = (): Promise<never> => Promise.reject(new Error('it has ended'));
    const failing = { name: 'a', title: 'A', running: { ...running, load }, database, order: drawing };
    const slots = [failing, { ...failing, name: 'b', running }];
    const results = await runRounds(stage, slots, { rounds: 1, seconds: 1, warmUpSeconds: 1 });
    expect(faultsOf(results)).toEqual(['A: it has ended']);
    expect(results.map((result) => figureOf(result, 'requestsPerSecond') === undefined)).toEqual([true, false]);
    expect(rateRatio(results[1], results[0])).toBeUndefined();
  });
});

describe('a load', () => {
  it.each<LoadGenerator>(['wrk', 'autocannon'])('of %s is of vouchers that are drawn', async (name) => {
    if (name === 'wrk' && generator !== 'wrk') {
      announce(name, 'it is not installed');
      return;
    }
    const { database, running } = mexa;
    const before = await countRows(database);
    const load = await loadHttp(stage, name, running.addresses, drawing);
    expect(load).toMatchObject({ notOk: 0, broken: 0 });
    expect(load.completed).toBeGreaterThan(0);
    expect((await countRows(database)).vales - before.vales).toBeGreaterThanOrEqual(load.completed);
  });
});

it('fills tables as MEXA would have, so that every way of reading finds something', async () => {
  const { database, running } = await open(mexaContestant({ name: 'filled' }));
  await loadUntil(stage, database, { target: 3_000, ofTotal: 3_000 });
  const [states] = await query<Record<string, number>>(
    database.sql,
    `select count(*)::int as vales, (count(*) filter (where state = 'issued'))::int as issued,
            (count(*) filter (where (select count(*) from audit_logs a where a.resource_type = 'vale'
               and a.resource_id = v.id) <> case state when 'issued' then 1 else 2 end))::int as wrong
       from vales v`,
  );
  expect(states).toMatchObject({ vales: 3_000, wrong: 0 });
  expect(states?.['issued']).toBeGreaterThan(0);
  const kinds = await readingKinds(database);
  for (const { name, paths } of kinds) {
    const answer = await fetch(`${running.addresses[0]}${paths[0]}`, {
      headers: { authorization: `Bearer ${stage.adminToken}` },
    });
    const body = (await answer.json()) as { count: number };
    expect({ name, status: answer.status, isEmpty: body.count === 0 }).toEqual({ name, status: 200, isEmpty: false });
  }
});
