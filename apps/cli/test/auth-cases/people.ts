import type { HttpAnswer } from '@quinta/platform/testing';
import { assertEnded } from '../place.ts';
import type { Asked, TwoProcesses } from './two-processes.ts';

export const password = 'correct horse battery staple';

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** A member who has just registered and signed in, from an address that only they have. */
export interface Person extends Tokens {
  readonly id: number;
  readonly email: string;
  readonly from: string;
}

let people = 0;

/** A body that registers somebody new. */
export function newMember(changes: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  people += 1;
  return {
    email: `member${people}.${process.pid}@demo.example`,
    password,
    first_name: 'Eva',
    last_name: 'Muster',
    date_naissance: '1991-02-03',
    rue: 'Chemin des Vignes 3',
    npa: '1963',
    localite: 'Vétroz',
    ...changes,
  };
}

/** Somebody with a row in both tables who has not signed in yet. */
export async function registered(two: TwoProcesses, changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const body = newMember(changes);
  const answer = await two.api('/auth/register', { body });
  if (answer.status !== 201) throw new Error(`The registration was answered ${answer.status}: ${answer.text}`);
  return String(body['email']);
}

export function login(
  two: TwoProcesses,
  email: string,
  asked: Asked & { readonly password?: string } = {},
): Promise<HttpAnswer> {
  const { password: given = password, ...rest } = asked;
  return two.api('/auth/login', { ...rest, body: { email, password: given } });
}

/** Tokens of one more session of a member. */
export async function signIn(
  two: TwoProcesses,
  email: string,
  asked: Asked & { readonly password?: string } = {},
): Promise<Tokens & { id: number }> {
  const answer = await login(two, email, asked);
  if (answer.status !== 200) throw new Error(`The sign-in was answered ${answer.status}: ${answer.text}`);
  const { user, ...tokens } = answer.json<Tokens & { user: { user_id: number } }>();
  return { ...tokens, id: user.user_id };
}

export async function somebody(two: TwoProcesses): Promise<Person> {
  const email = await registered(two);
  const from = two.address();
  return { email, from, ...(await signIn(two, email, { from })) };
}

/** The access token of somebody who is staff. */
export async function staffToken(two: TwoProcesses): Promise<string> {
  const email = await registered(two);
  assertEnded(await two.place.run(['move-acces', 'staff', '--email', email]), 0);
  return (await signIn(two, email)).access_token;
}

export function refresh(two: TwoProcesses, token: unknown, asked: Asked = {}): Promise<HttpAnswer> {
  return two.api('/auth/refresh', { ...asked, body: { refresh_token: token } });
}

export async function refreshed(two: TwoProcesses, token: string): Promise<Tokens> {
  const answer = await refresh(two, token);
  if (answer.status !== 200) throw new Error(`The refresh was answered ${answer.status}: ${answer.text}`);
  return answer.json<Tokens>();
}

export function logout(two: TwoProcesses, token: string, asked: Asked = {}): Promise<HttpAnswer> {
  return two.api('/auth/logout', { ...asked, body: { refresh_token: token } });
}

/** What both processes answer to an access token. */
export async function meStatuses(two: TwoProcesses, token: string | undefined): Promise<readonly number[]> {
  const ask = async (at: 0 | 1): Promise<number> => (await two.api('/users/me', { token, at })).status;
  return Promise.all([ask(0), ask(1)]);
}

/** An answer without what differs in each: for telling whether two say the same. */
export function saidBy(answer: HttpAnswer): string {
  const { request_id: _id, ...rest } = answer.json<{ request_id?: string }>();
  const names = ['content-type', 'cache-control', 'www-authenticate'];
  return JSON.stringify([answer.status, rest, names.map((name) => answer.headers.get(name))]);
}
