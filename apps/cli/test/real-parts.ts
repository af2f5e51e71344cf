import { randomBytes } from 'node:crypto';
import { openKeyValue } from '@quinta/platform/keyvalue';
import { realDatabases, type RealDatabaseCase } from '@quinta/platform/testing';
import { execute, onDatabase } from './rows.ts';

/** The PostgreSQL of the machine, or why there is none (QUINTA_TEST_POSTGRES_URL names another). */
export async function realPostgresql(): Promise<RealDatabaseCase> {
  const found = (await realDatabases()).find(({ dialect }) => dialect.name === 'postgresql');
  if (!found) throw new Error('The platform knows no PostgreSQL');
  return found;
}

/** A database whose only user owns it, as the earlier system had it. */
export interface OwnedDatabase {
  readonly url: string;
  readonly parts: {
    readonly host: string;
    readonly port: string;
    readonly name: string;
    readonly user: string;
    readonly password: string;
  };
  drop(): Promise<void>;
}

export async function createOwnedDatabase(server: RealDatabaseCase): Promise<OwnedDatabase> {
  const database = await server.createDatabase();
  const user = `quinta_test_${randomBytes(6).toString('hex')}`;
  const password = `p@ss/${randomBytes(9).toString('base64url')}`;
  const address = new URL(database.url);
  const name = address.pathname.slice(1);
  const asAdmin = (statements: readonly string[]): Promise<void> =>
    onDatabase(database.url, (admin) => execute(admin, statements));
  await asAdmin([
    `create role ${user} login password '${password}'`,
    `alter database ${name} owner to ${user}`,
    `alter schema public owner to ${user}`,
  ]);
  address.username = user;
  address.password = encodeURIComponent(password);
  return {
    url: address.href,
    parts: { host: address.hostname, port: address.port || '5432', name, user, password },
    drop: async () => {
      await asAdmin([`drop owned by ${user} cascade`, `alter database ${name} owner to current_user`]);
      await asAdmin([`drop role ${user}`]);
      await database.drop();
    },
  };
}

/** The Redis of the machine (QUINTA_TEST_REDIS_URL names another); with QUINTA_TEST_REQUIRE_REAL=1 it must be there. */
export async function realRedis(): Promise<{ readonly url: string; readonly unreachable: string | undefined }> {
  const url = process.env['QUINTA_TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379';
  const store = openKeyValue({ redisUrl: url });
  try {
    await store.ping();
    return { url, unreachable: undefined };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const hint = `Redis does not answer (${reason}); set QUINTA_TEST_REDIS_URL to one that does`;
    if (process.env['QUINTA_TEST_REQUIRE_REAL'] === '1') throw new Error(hint, { cause: error });
    process.stderr.write(`Tests on Redis are skipped: ${hint}.\n`);
    return { url, unreachable: reason };
  } finally {
    await store.close();
  }
}
