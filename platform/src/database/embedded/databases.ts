import type { Client } from 'pg';
import { EmbeddedServerError } from './embedded-server-error.ts';
import type { PasswordOf } from './secret.ts';
import { socketUrl } from './superuser-client.ts';

/** Connection strings of one database, over the socket. */
export interface EmbeddedDatabase {
  /** Of the role that owns the database and makes its tables: for migrations. */
  readonly ownerUrl: string;
  /** Of the role that the service works as: no DDL. */
  readonly applicationUrl: string;
}

/** The longest role, `<name>_owner`, fits PostgreSQL's 63 bytes. */
const namePattern = /^[a-z][a-z0-9_-]{0,49}$/;

/** Makes the database and its two roles where they are missing. Call it under the mutex. */
export async function createDatabase(client: Client, name: string, passwordOf: PasswordOf): Promise<void> {
  const { owner, application } = rolesOf(name);
  await createRole(client, owner, passwordOf(owner));
  await createRole(client, application, passwordOf(application));
  const found = await client.query('select 1 from pg_database where datname = $1', [name]);
  if (found.rowCount === 0) {
    await client.query(`create database ${quoted(name)} owner ${quoted(owner)} template template0`);
  }
  // Temporary tables are DDL too: the application gets the right to connect, and the owner has all by owning.
  // One query of two statements is one transaction: nobody who connects meanwhile is refused, and a process that is
  // killed here leaves no database that its application may not open.
  await client.query(
    `revoke all on database ${quoted(name)} from public, ${quoted(application)};
     grant connect on database ${quoted(name)} to ${quoted(application)}`,
  );
}

/** Ends the connections of a database and drops it with its roles, where it exists. Call it under the mutex. */
export async function removeDatabase(client: Client, name: string): Promise<void> {
  const { owner, application } = rolesOf(name);
  await client.query(`drop database if exists ${quoted(name)} with (force)`);
  await client.query(`drop role if exists ${quoted(owner)}, ${quoted(application)}`);
}

export function urlsOf(socketDirectory: string, name: string, passwordOf: PasswordOf): EmbeddedDatabase {
  const { owner, application } = rolesOf(name);
  const urlAs = (role: string): string => socketUrl(socketDirectory, name, { role, password: passwordOf(role) });
  return { ownerUrl: urlAs(owner), applicationUrl: urlAs(application) };
}

/** Nobody but the superuser has business in the databases that every server has. */
export async function closeCommonDatabases(client: Client): Promise<void> {
  await client.query('revoke all on database postgres, template1 from public');
}

async function createRole(client: Client, role: string, password: string): Promise<void> {
  const found = await client.query('select 1 from pg_roles where rolname = $1', [role]);
  if ((found.rowCount ?? 0) > 0) return;
  // DDL takes no parameters. A password is base64url, so it needs no quoting either.
  const rights = 'login nosuperuser nocreatedb nocreaterole noreplication nobypassrls';
  await client.query(`create role ${quoted(role)} ${rights} password '${password}'`);
}

function rolesOf(name: string): { readonly owner: string; readonly application: string } {
  if (!namePattern.test(name)) {
    throw new EmbeddedServerError(
      `"${name}" cannot be the name of a database: expected a small letter, then up to 49 small letters, digits, _ or -.`,
    );
  }
  return { owner: `${name}_owner`, application: `${name}_app` };
}

function quoted(name: string): string {
  return `"${name}"`;
}
