import { password } from './accounts.ts';
import { type Client, freshAddress, type Heard } from './clients.ts';
import type { MembersPlace } from './place.ts';

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** A server with more to do than it can: it says so at once, and whoever asked may come again. Not a wrong answer. */
export class TurnedAway extends Error {
  override readonly name = 'TurnedAway';
}

/** Signs a member in at one of the processes, from an address of its own. */
export async function signIn(client: Client, place: MembersPlace, member: number, at = 0): Promise<Tokens> {
  const { email } = place.members[member % place.members.length] ?? { email: '' };
  const heard = await client.send(`${place.addresses[at] ?? ''}/auth/login`, {
    method: 'POST',
    body: { email, password },
    headers: freshAddress(),
  });
  return JSON.parse(wanted(heard, 200)) as Tokens;
}

/**
 * The tokens of the first so many members: few at once, and again where the server turned one away, for what is
 * measured comes later. Throws where that goes on.
 */
export async function signInAll(client: Client, place: MembersPlace, count: number): Promise<readonly Tokens[]> {
  const tokens: Tokens[] = [];
  for (let first = 0; first < count; first += atOnce) {
    const few = Array.from({ length: Math.min(atOnce, count - first) }, (_, next) => first + next);
    tokens.push(...(await Promise.all(few.map((member) => signInPatiently(client, place, member)))));
  }
  return tokens;
}

const atOnce = 4;
const triesMax = 20;

async function signInPatiently(client: Client, place: MembersPlace, member: number): Promise<Tokens> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await signIn(client, place, member);
    } catch (error) {
      if (!(error instanceof TurnedAway) || attempt === triesMax) throw error;
    }
  }
}

/** The text of an answer. Throws where its status is another one, a `TurnedAway` where that is 503. */
export function wanted({ status, text }: Heard, expected: number): string {
  if (status === 503) throw new TurnedAway(`answered 503: ${text.slice(0, 200)}`);
  if (status !== expected) throw new Error(`answered ${status} instead of ${expected}: ${text.slice(0, 200)}`);
  return text;
}
