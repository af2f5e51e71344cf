import { fuzzService, hostileExchanges, knownUuids } from '@quinta/platform/testing';
import { writeStatement } from '@quinta/platform/database';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueSofipoToken } from '../src/demo.ts';
import { ledgerFaults } from '../src/service.ts';
import { newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

const longRunMs = 4 * 3_600_000;
const roles = ['admin', 'officer', 'cashier', 'auditor'] as const;

/** Clients and loans under the keys that requests name: four that are served, and one of every other beginning. */
const known = `unnest(array[${knownUuids.map((id) => `'${id}'::uuid`).join(', ')}]) with ordinality as k (id, place)`;
const statuses =
  "(array['ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'REQUESTED', 'REQUESTED', 'APPROVED', 'DEFAULTED'])[place]";
const knownRows = [
  `insert into clients (id, full_name, email, rfc)
   select id, 'Conocida Demo', 'known' || place || '@demo.example', 'DECO800101AB' || place from ${known}`,
  `insert into loans (id, client_id, amount, interest_rate, term_months, status, current_balance, terms, disbursed_on,
       product_code, product_version)
   select k.id, k.id, l.amount, l.interest_rate, l.term_months, ${statuses},
          case when place in (5, 6, 7) then 0 else l.amount end, l.terms,
          case when place in (5, 6, 7) then null else l.disbursed_on end, l.product_code, l.product_version
     from ${known} cross join (select * from loans where disbursed_on is not null limit 1) l`,
  `insert into loan_events (id, loan_id, kind, happened_on, amount)
   select gen_random_uuid(), l.id, 'disbursed', l.disbursed_on, l.amount
     from loans l join ${known} on k.id = l.id where l.disbursed_on is not null`,
  `insert into entries (loan_id, event_id, happened_on)
   select e.loan_id, e.id, e.happened_on from loan_events e join ${known} on k.id = e.loan_id`,
  `insert into postings (entry_id, account, amount)
   select e.id, side.account, side.sign * l.amount
     from entries e join ${known} on k.id = e.loan_id join loans l on l.id = e.loan_id
    cross join (values ('1301', 1), ('1101', -1)) as side (account, sign)`,
];

let world: SofipoWorld;
beforeAll(async () => {
  world = await openSofipoWorld({ environment: { HASHING_QUEUE_MAX: '10000' } });
  await newLoan(world);
  for (const text of knownRows) await world.owner.runAlone(writeStatement<[], never>('test.known', text), []);
});
afterAll(() => world.close());

test(
  'requests by chance are answered by the contract, and leave ledger and audit whole',
  { timeout: longRunMs },
  async () => {
    const tokenOf = (role: string) => issueSofipoToken(world.sofipo, { role });
    const report = await fuzzService({ baseUrl: world.baseUrl, roles, tokenOf });
    expect(report.faults.join('\n\n')).toBe('');
    const answersOf = (operation: string): string[] => Object.keys(report.statuses[operation] ?? {});
    expect(report.operations.filter((operation) => answersOf(operation).length === 0)).toEqual([]);
    const successful = report.operations.filter((each) => answersOf(each).some((status) => status.startsWith('2')));
    expect(successful.length / report.operations.length).toBeGreaterThan(0.35);
    expect(await ledgerFaults(world.application, 10)).toEqual([]);
    await world.sofipo.ledger.seal();
  },
);

test('exchanges that are hardly HTTP are refused or cut off', async () => {
  const exchanges = await hostileExchanges(world.baseUrl);
  expect(exchanges.flatMap(({ name, faults }) => faults.map((fault) => `${name}: ${fault}`))).toEqual([]);
});
