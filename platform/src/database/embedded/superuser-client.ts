import { isAbsolute } from 'node:path';
import { Client } from 'pg';
import { superuser } from './cluster.ts';
import type { PasswordOf } from './secret.ts';
import { socketPort } from './socket-directory.ts';

export interface SuperuserAddress {
  readonly socketDirectory: string;
  readonly passwordOf: PasswordOf;
  readonly database: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
}

const connectTimeoutMs = 10_000;
const statementTimeoutMs = 60_000;

/** Connects as the superuser. The caller ends the client; an error of a lost connection must be listened to. */
export async function connectSuperuser(address: SuperuserAddress): Promise<Client> {
  // Without a folder the driver would take some server on localhost, which is not ours to change.
  if (!isAbsolute(address.socketDirectory)) throw new TypeError('the folder of the socket must be an absolute path');
  const client = new Client({
    host: address.socketDirectory,
    port: socketPort,
    user: superuser,
    password: address.passwordOf(superuser),
    database: address.database,
    application_name: address.applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
  });
  client.on('error', () => undefined); // what a query was waiting for rejects; 'end' tells of the loss
  await client.connect();
  return client;
}

/** The URL of a role over the socket, as psql and `pg` both read it. */
export function socketUrl(
  socketDirectory: string,
  database: string,
  login: { role: string; password: string },
): string {
  const [role, password, name] = [login.role, login.password, database].map((part) => encodeURIComponent(part));
  return `postgresql://${role}:${password}@/${name}?host=${encodeURIComponent(socketDirectory)}&port=${socketPort}`;
}
