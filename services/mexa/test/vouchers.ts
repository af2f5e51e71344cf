import type { HttpAnswer } from '@quinta/platform/testing';
import type { Vale } from '../src/vale/vale.ts';
import type { MexaWorld } from './mexa-world.ts';

/** A voucher that the clerk has just drawn. */
export async function newVale(world: MexaWorld, wanted: Readonly<Record<string, unknown>> = {}): Promise<Vale> {
  const answer = await world.api('/vales', { token: world.tokens.cajero, body: { amount: '10.00', ...wanted } });
  if (answer.status !== 201) throw new Error(`No voucher was drawn: ${answer.text}`);
  return answer.json<Vale>();
}

/** How many of some answers had each status: `{ 200: 199, 201: 1 }`. */
export function statuses(answers: readonly Pick<HttpAnswer, 'status'>[]): Readonly<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** The same thing done so many times at once. */
export function atOnce<Result>(times: number, work: (place: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: times }, (_, place) => work(place)));
}
