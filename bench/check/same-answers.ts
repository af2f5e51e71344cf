import { randomUUID } from 'node:crypto';
import type { Stage } from '../stage/stage.ts';
import { users } from '../stage/stage.ts';

/** One request, and what every contestant must answer. */
interface Case {
  readonly about: string;
  readonly body: unknown;
  readonly token: string | undefined;
  readonly statuses: readonly number[];
  /** Whether the answer is the voucher that was drawn first. */
  readonly isVoucher?: boolean;
}

const answerTimeoutMs = 15_000;
const drawer = users.firstDrawer;
const unknownUser = 999_999_999;

/** The fields of a voucher that the check has drawn, as every contestant must tell it. */
function expectedVale(requestId: string): Readonly<Record<string, unknown>> {
  return {
    user_id: drawer,
    request_id: requestId,
    amount: '125.50',
    description: 'Safety gloves',
    state: 'issued',
    issued_by: users.firstClerk,
    redeemed_at: null,
    redeemed_by: null,
    voided_at: null,
    voided_by: null,
    void_reason: null,
  };
}

/** Sends a contestant what clients send, right and wrong, and tells in sentences where it answers otherwise than it must. */
export async function answerFaults(stage: Stage, address: string): Promise<readonly string[]> {
  const requestId = randomUUID();
  const faults: string[] = [];
  let first: unknown;
  for (const one of casesOf(stage, requestId)) {
    const { status, body } = await send(address, one);
    if (!one.statuses.includes(status)) {
      faults.push(`${one.about}: ${status} instead of ${one.statuses.join(' or ')}`);
    } else if (one.isVoucher === true) {
      faults.push(...voucherFaults(one.about, body, expectedVale(requestId)));
      first ??= body;
      if (JSON.stringify(ordered(body)) !== JSON.stringify(ordered(first))) {
        faults.push(`${one.about}: another voucher than the first time`);
      }
    }
  }
  return faults;
}

function casesOf(stage: Stage, requestId: string): readonly Case[] {
  const token = stage.clerkTokens[0];
  const body = { amount: '125.50', description: 'Safety gloves', user_id: drawer, request_id: requestId };
  const fresh = (): object => ({ ...body, request_id: randomUUID() });
  const refused = [422, 400];
  return [
    { about: 'a new voucher', body, token, statuses: [201], isVoucher: true },
    { about: 'the same again', body, token, statuses: [200], isVoucher: true },
    { about: 'the same key with another amount', body: { ...body, amount: '1.00' }, token, statuses: [422, 409] },
    { about: 'without a token', body: fresh(), token: undefined, statuses: [401] },
    { about: 'a token of another key', body: fresh(), token: forged(token), statuses: [401] },
    { about: 'an amount below zero', body: { ...fresh(), amount: '-1.00' }, token, statuses: refused },
    { about: 'an amount with three decimals', body: { ...fresh(), amount: '1.005' }, token, statuses: refused },
    { about: 'an amount of words', body: { ...fresh(), amount: 'much' }, token, statuses: refused },
    { about: 'a field that there is not', body: { ...fresh(), colour: 'red' }, token, statuses: refused },
    { about: 'an unknown user', body: { ...fresh(), user_id: unknownUser }, token, statuses: [422, 404, 400] },
  ];
}

/** The same token with another signature. */
function forged(token = ''): string {
  const [header, payload] = token.split('.');
  return `${header}.${payload}.${'A'.repeat(43)}`;
}

async function send(address: string, { body, token }: Case): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${address}/api/v1/vales`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'bench',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(answerTimeoutMs),
  });
  return { status: answer.status, body: parsed(await answer.text()) };
}

/** A contestant that fails may answer with a page instead of JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function voucherFaults(about: string, body: unknown, expected: Readonly<Record<string, unknown>>): string[] {
  const vale = (typeof body === 'object' && body !== null ? body : {}) as Readonly<Record<string, unknown>>;
  const faults = Object.entries(expected)
    .filter(([name, value]) => vale[name] !== value)
    .map(([name, value]) => `${about}: ${name} is ${JSON.stringify(vale[name])} instead of ${JSON.stringify(value)}`);
  const createdAt = vale['created_at'];
  const isInstant = typeof createdAt === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(createdAt);
  const extra = Object.keys(vale).filter((name) => !(name in expected) && name !== 'id' && name !== 'created_at');
  return [
    ...faults,
    ...(isInstant ? [] : [`${about}: created_at is ${JSON.stringify(createdAt)}`]),
    ...(typeof vale['id'] === 'number' ? [] : [`${about}: id is ${JSON.stringify(vale['id'])}`]),
    ...extra.map((name) => `${about}: a field ${name} that MEXA does not have`),
  ];
}

function ordered(body: unknown): unknown {
  return Object.entries(Object(body) as object).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
