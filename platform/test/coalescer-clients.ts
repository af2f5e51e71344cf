import { vi } from 'vitest';
import type { Coalescer } from '../src/database/coalescer.ts';
import { Problem } from '../src/kernel/index.ts';
import type { Answered } from './coalescer-checks.ts';
import { type Paid, type Payment, uuidOf } from './coalescer-ledger.ts';

/** QUINTA_TEST_SEED repeats a run. */
export const seed = Number(process.env['QUINTA_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const patience = { timeout: 60_000, interval: 10 };

/** Mulberry32: a small generator whose numbers a seed repeats. */
export function chanceOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a client goes through with one payment. */
export interface Errand extends Answered {
  /** The problems that it heard before its answer, by their codes. */
  readonly heard: readonly string[];
}

/** A good client: whoever hears a 503 tries again with the same key until there is an answer. */
export async function insist(pay: Coalescer<Payment, Paid>['submit'], payment: Payment): Promise<Errand> {
  const heard: string[] = [];
  const attempt = async (): Promise<Paid | 'raised'> => {
    try {
      return await pay(payment);
    } catch (error) {
      if (!(error instanceof Problem && error.status === 503)) return 'raised';
      heard.push(error.code);
      throw error;
    }
  };
  const outcome = await vi.waitFor(attempt, patience).catch(() => 'lost' as const);
  return { payment, outcome, heard };
}

/** Payments on few accounts, of which every fifth comes with a key that came before. */
export function manyPayments(count: number, accounts: readonly number[], chance: () => number): readonly Payment[] {
  const name = `${seed} ${chance()}`;
  const keyOf = (place: number): number => (chance() < 0.2 ? Math.floor(chance() * place) : place);
  return Array.from({ length: count }, (_, place) => {
    const key = keyOf(place);
    const account = accounts[key % accounts.length] ?? 0;
    return { key: uuidOf(`${name} ${key}`), account, note: `payment ${key}` };
  });
}

/** So many clients at once, each taking the next payment. */
export async function payAll(
  payments: readonly Payment[],
  clients: number,
  pay: (payment: Payment, place: number) => Promise<Paid>,
): Promise<readonly Errand[]> {
  const errands: Errand[] = [];
  const queue = payments.entries();
  const client = async (): Promise<void> => {
    for (const [place, payment] of queue) errands.push(await insist((one) => pay(one, place), payment));
  };
  await Promise.all(Array.from({ length: clients }, client));
  return errands;
}
