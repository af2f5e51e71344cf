import { moveAcces } from '@quinta/move-acces';
import { openDatabase, writeStatement } from '@quinta/platform/database';
import { openTestDatabase, type TestDatabase } from '@quinta/platform/testing';
import { type DatabaseProxy, openDatabaseProxy } from '../database-proxy.ts';

/** A database on which the other system's tables stood before anything of ours, and a way to cut it off. */
export interface OtherSystem {
  readonly urls: TestDatabase['urls'];
  /** What a process needs to work on it, through the proxy. */
  readonly variables: Readonly<Record<string, string>>;
  readonly proxy: DatabaseProxy;
  close(): Promise<void>;
}

export async function openOtherSystem(): Promise<OtherSystem> {
  const database = await openTestDatabase('auth_cases');
  const { owner, application } = database.urls;
  await makeTables(owner);
  const proxy = await openDatabaseProxy(owner);
  return {
    urls: database.urls,
    variables: { DATABASE_URL: proxy.urlFor(application), MIGRATION_DATABASE_URL: proxy.urlFor(owner) },
    proxy,
    close: async () => {
      await proxy.close();
      await database.drop();
    },
  };
}

async function makeTables(url: string): Promise<void> {
  const owner = openDatabase({ url, connectionsMax: 1 });
  const run = async (text: string): Promise<readonly Record<string, unknown>[]> =>
    (await owner.runAlone(writeStatement<[], Record<string, unknown>>('test.make', text), [])).rows;
  try {
    await moveAcces.migrations.standIn?.({ dialect: owner.dialect, run });
  } finally {
    await owner.close();
  }
}
