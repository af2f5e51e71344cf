import { randomUUID } from 'node:crypto';
import type { Tx } from '@quinta/platform/database';
import { formatMinor } from '@quinta/platform/kernel';
import { txWith } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addDays, type CalendarDate, replayLoan } from '../src/engine/index.ts';
import { historyOf } from '../src/loan/event-store.ts';
import { servedBy } from '../src/loan/loan.ts';
import { findLoan } from '../src/loan/loan-store.ts';
import { PayingLoans } from '../src/payment/paying-loans.ts';
import { splitTexts } from '../src/payment/payment.ts';
import { type PaymentCommand, type PaymentParts, registerSet } from '../src/payment/register-payments.ts';
import { ledgerFaults } from '../src/service.ts';
import { newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

let world: SofipoWorld;
beforeAll(async () => {
  world = await openSofipoWorld();
});
afterAll(() => world.close());

const command = (loanId: string, amount: bigint): PaymentCommand => ({
  id: randomUUID(),
  isKeyed: false,
  loanId,
  amount,
  actorId: 1,
  requestId: randomUUID(),
  endpoint: '/loans/:loan_id/payments',
  method: 'POST',
  address: '127.0.0.1',
  userAgent: 'test',
});

/** A process of its own, as far as loans are kept in it; tells how many events each set has read. */
function openProcess() {
  const read: number[] = [];
  const counting = (tx: Tx): Tx =>
    txWith(tx, async (statement, params) => {
      const result = await tx.run(statement, params);
      if (statement.operation === 'loan.events') read.push((read.pop() ?? 0) + result.rows.length);
      return result;
    });
  const payingLoans = new PayingLoans();
  const pay = (commands: readonly PaymentCommand[], change: Partial<PaymentParts> = {}) => {
    read.push(0);
    const { sofipo } = world;
    const writes: PaymentParts['writes'] = (...names) => {
      const named = sofipo.writes(...names);
      const transact = named.transact.bind(named);
      return Object.assign(named, {
        transact: <T>(work: (tx: Tx) => Promise<T>) => transact((tx) => work(counting(tx))),
      });
    };
    return registerSet({ clock: sofipo.clock, today: sofipo.today, writes, payingLoans, ...change }, commands);
  };
  return { pay, read };
}

/** Months old and taxed, so that a payment settles interest, VAT and principal. */
const hotLoan = async (): Promise<string> => {
  const day = new Date();
  day.setUTCMonth(day.getUTCMonth() - 3, 1);
  const changes = { start_date: day.toISOString().slice(0, 10), vat_rate: 0.16, term_months: 24 };
  return (await newLoan(world, changes)).id;
};

/** What is written of a loan is what a replay of all that happened to it gives. */
async function expectReplayed(loanId: string, today: CalendarDate): Promise<void> {
  const loan = await findLoan(world.application, loanId);
  if (!loan) throw new Error('The loan is not there');
  const { events, idOf } = await historyOf(world.application, loanId);
  const state = replayLoan(servedBy(loan), events, today);
  expect(loan.current_balance).toBe(formatMinor(state?.outstandingPrincipal ?? 0n));
  const written = await world.sql<{ id: string } & Record<string, string>>(
    `select id, principal, interest, vat, fee, penalty from payments where loan_id = '${loanId}' and reversed_at is null`,
  );
  for (const { id, ...split } of written) {
    const spent = state?.payments.get(idOf.get(id) ?? '');
    expect(split).toEqual(spent && splitTexts(spent.split));
  }
}

const fifty = (loanId: string): PaymentCommand[] => Array.from({ length: 50 }, () => command(loanId, 1_37n));

describe('a loan that is paid again and again', () => {
  test('is read once: the sets after that read what others have done since', async () => {
    const loanId = await hotLoan();
    const [one, other] = [openProcess(), openProcess()];
    for (let set = 0; set < 3; set += 1) await one.pay(fifty(loanId));
    // A history of one event is not kept; the next, of 51, is.
    expect(one.read).toEqual([1, 51, 0]);
    await other.pay(fifty(loanId));
    await other.pay([command(loanId, 2_00n)]);
    expect(other.read).toEqual([151, 0]);
    await one.pay(fifty(loanId));
    await one.pay(fifty(loanId));
    expect(one.read).toEqual([1, 51, 0, 51, 0]);
    await expectReplayed(loanId, world.sofipo.today());
  });

  test('is replayed after anything but payments of the day', async () => {
    const loanId = await hotLoan();
    const one = openProcess();
    for (let set = 0; set < 2; set += 1) await one.pay(fifty(loanId));
    const before = await world.sql<{ id: string }>(`select id from payments where loan_id = '${loanId}' limit 2`);
    const reversal = await world.api(`/loans/${loanId}/payments/${before[0]?.id}/reverse`, {
      method: 'POST',
      token: world.tokens.admin,
    });
    expect(reversal.status).toBe(200);
    await one.pay(fifty(loanId));
    const charge = { component: 'fee', amount: '10.00', reason: 'a letter' };
    expect((await world.api(`/loans/${loanId}/charges`, { body: charge, token: world.tokens.admin })).status).toBe(201);
    await one.pay(fifty(loanId));
    await one.pay(fifty(loanId));
    // What is new, and then the whole of it.
    expect(one.read).toEqual([1, 51, 1 + 102, 1 + 153, 0]);
    await expectReplayed(loanId, world.sofipo.today());
  });

  test('is replayed on another day', async () => {
    const loanId = await hotLoan();
    const one = openProcess();
    const tomorrow = addDays(world.sofipo.today(), 1);
    for (let set = 0; set < 3; set += 1) await one.pay(fifty(loanId));
    await one.pay(fifty(loanId), { today: () => tomorrow });
    await one.pay(fifty(loanId));
    expect(one.read).toEqual([1, 51, 0, 151, 201]);
    await expectReplayed(loanId, tomorrow);
  });

  test('is kept by nobody where a set fails after it was decided', async () => {
    const loanId = await hotLoan();
    const one = openProcess();
    for (let set = 0; set < 2; set += 1) await one.pay(fifty(loanId));
    const broken = { ...command(loanId, 7_00n), requestId: 'no uuid' };
    await expect(one.pay([broken])).rejects.toThrow(/uuid/);
    await one.pay(fifty(loanId));
    await one.pay(fifty(loanId));
    expect(one.read).toEqual([1, 51, 0, 101, 0]);
    await expectReplayed(loanId, world.sofipo.today());
  });

  test('is paid off by the last of it, and never more', async () => {
    const loan = await newLoan(world, { amount: 100, term_months: 3 });
    const one = openProcess();
    const all: string[] = [];
    for (let set = 0; set < 3; set += 1) {
      const outcomes = await one.pay(Array.from({ length: 40 }, () => command(loan.id, 1_00n)));
      all.push(...outcomes.map(({ kind }) => kind));
    }
    expect(all.filter((kind) => kind === 'registered')).toHaveLength(100);
    expect(all.lastIndexOf('registered')).toBe(99);
    const [row] = await world.sql(`select status, current_balance from loans where id = '${loan.id}'`);
    expect(row).toEqual({ status: 'PAID_OFF', current_balance: '0.00' });
  });
});

test('whatever was paid here, the ledger holds', async () => {
  expect(await ledgerFaults(world.application, 10)).toEqual([]);
});
