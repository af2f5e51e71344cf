import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createCoalescer } from '../src/database/coalescer.ts';
import { openDatabase, type OpenOptions, postgresql } from '../src/database/index.ts';
import { chanceOf, type Errand, insist, manyPayments, payAll, seed } from './coalescer-clients.ts';
import { paySet } from './coalescer-ledger.ts';
import { accounts, fillLedger, type LedgerWorld, lockRow, paymentOf, type Payer } from './coalescer-world.ts';
import { hold, privateFolder, processesIn, query } from './embedded-world.ts';

const clients = 24;
const payerCount = 3;
const paymentCount = 600;
const kills = 2;
const paused = 'to be paused';
const patience = { timeout: 30_000, interval: 10 };

/** A ledger on a PostgreSQL of its own, whose processes a test may stop and kill. */
interface PrivateLedger {
  readonly url: string;
  readonly folder: string;
  readonly faultsAfter: LedgerWorld['faultsAfter'];
  readonly payerOn: (options?: Partial<OpenOptions>) => Payer;
}

async function openPrivateLedger(): Promise<PrivateLedger> {
  const folder = join(privateFolder(), 'data');
  const server = await hold(folder);
  const { ownerUrl: url } = await server.ensureDatabase('ledger');
  const faultsAfter = await fillLedger(postgresql, (sql) => query(url, sql));
  return {
    url,
    folder,
    faultsAfter,
    payerOn: (options = {}) => {
      const pool = openDatabase({ url, connectionsMax: 4, ...options });
      onTestFinished(() => pool.close());
      return createCoalescer({ operation: 'test', setMax: 16, run: paySet(pool) });
    },
  };
}

describe(`a PostgreSQL of one's own (QUINTA_TEST_SEED=${seed})`, () => {
  test('that is killed with all its processes under load, and comes back: what was acknowledged is there once', async () => {
    const { folder, faultsAfter, payerOn } = await openPrivateLedger();
    const chance = chanceOf(seed);
    const payers = Array.from({ length: payerCount }, () => payerOn());
    const moments = new Set(
      Array.from({ length: kills }, (_, place) =>
        Math.floor((paymentCount * (place + 0.5 + chance() / 2)) / (kills + 1)),
      ),
    );
    let answered = 0;
    let killed = 0;
    const errands = await payAll(manyPayments(paymentCount, accounts, chance), clients, async (payment, place) => {
      const outcome = await payers[place % payerCount]?.submit(payment);
      answered += 1;
      if (moments.has(answered)) {
        for (const { pid } of processesIn(folder)) process.kill(pid, 'SIGKILL');
        killed += 1;
      }
      return outcome ?? 'unknown';
    });
    expect(killed).toBe(kills);
    expect(errands.flatMap(({ heard }) => heard)).toContain('database_unavailable');
    expect(await faultsAfter(errands)).toEqual([]);
  });

  test('that stands still with a set in its hands: 503, and the key decides once it goes on', async () => {
    const { url, faultsAfter, payerOn } = await openPrivateLedger();
    const payer = payerOn({ statementTimeoutMs: 100, lockTimeoutMs: 60_000, applicationName: paused });
    expect(await payer.submit(paymentOf('before', 2))).toBe('paid');
    const letGo = await lockRow(url, postgresql, 1);
    const names = ['first', 'a', 'b', 'c'];
    const answers = names.map((name) => payer.submit(paymentOf(name)));
    const pid = await vi.waitFor(() => backendThatWaits(url), patience);
    process.kill(pid, 'SIGSTOP');
    try {
      await letGo();
      const heard = await Promise.allSettled(answers);
      expect(heard[0]).toMatchObject({ status: 'rejected', reason: { code: 'database_unavailable', status: 503 } });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const again: readonly Errand[] = await Promise.all(
      names.map((name) => insist((payment) => payer.submit(payment), paymentOf(name))),
    );
    expect(await faultsAfter([...again, { payment: paymentOf('before', 2), outcome: 'paid' }])).toEqual([]);
  });
});

async function backendThatWaits(url: string): Promise<number> {
  const [backend] = await query(
    url,
    `select pid from pg_stat_activity where application_name = '${paused}' and wait_event_type = 'Lock'`,
  );
  if (!backend) throw new Error('No backend waits for a lock yet');
  return Number(backend['pid']);
}
