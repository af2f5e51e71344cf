import { randomUUID } from 'node:crypto';
import type { HttpAnswer } from '@quinta/platform/testing';
import type { SessionAnswer } from '../src/auth/sign-in.ts';
import type { Role } from '../src/tables.ts';
import type { Usuario } from '../src/usuario/usuario.ts';
import type { MexaWorld } from './mexa-world.ts';

export interface Person {
  readonly id: number;
  readonly username: string;
  readonly email: string;
  readonly password: string;
}

export const goodPassword = 'trece girasoles bajo la lluvia';

/** A name that nobody has yet. */
export function freshName(): string {
  return `p${randomUUID().slice(0, 13)}`;
}

/** A user that an admin has just made. */
export async function newPerson(world: MexaWorld, role: Role = 'usuario'): Promise<Person> {
  const username = freshName();
  const wanted = { username, email: `${username}@example.com`, password: goodPassword, role };
  const answer = await world.api('/usuarios', { token: world.tokens.admin, body: wanted });
  if (answer.status !== 201) throw new Error(`No ${role} was made: ${answer.text}`);
  return { ...wanted, id: answer.json<Usuario>().id };
}

export function tryLogin(world: MexaWorld, username: string, password: string): Promise<HttpAnswer> {
  return world.api('/auth/login', { body: { username, password } });
}

/** The session of somebody who signs in with their right password. */
export async function signIn(
  world: MexaWorld,
  person: { readonly username: string; readonly password: string },
): Promise<SessionAnswer> {
  const answer = await tryLogin(world, person.username, person.password);
  if (answer.status !== 200) throw new Error(`${person.username} cannot sign in: ${answer.text}`);
  return answer.json<SessionAnswer>();
}
