import { migration } from '../../../migrations/p002_refresh_families.ts';
import { type Database, type MigrationRunner, openDatabase, type Tx, writeStatement } from '../../database/index.ts';
import { systemClock } from '../../kernel/index.ts';
import type { RealDatabaseCase } from '../../testing/real-databases.ts';
import { createFamilies, type Families, type FamiliesOptions } from '../families.ts';
import type { IssuedRefresh, Rotation } from '../rotation.ts';

/** For tests: a database of its own with the tables of refresh families, on one of the engines. */
export interface FamiliesWorld {
  readonly database: Database;
  readonly url: string;
  readonly families: Families;
  /** Families with other settings, on the same tables. */
  with(options: Partial<FamiliesOptions>): Families;
  begin(subject?: string): Promise<IssuedRefresh>;
  /** One refresh in a transaction of its own, as a request makes it. */
  refresh(refreshToken: string, families?: Families): Promise<Rotation>;
  revoke(familyId: string): Promise<boolean>;
  /** Moves what has happened into the past, since no test may wait for it: all instants of both tables. */
  age(seconds: number): Promise<void>;
  write(sql: string, params?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  end(): Promise<void>;
}

export const phone = { address: '192.0.2.7', userAgent: 'Acces/3.1 (Android 15)' } as const;
export const successorKey = 's'.repeat(32);

const instants: Readonly<Record<string, readonly string[]>> = {
  refresh_families: ['created_at', 'last_used_at', 'absolute_expires_at', 'revoked_at'],
  refresh_tokens: ['issued_at', 'expires_at', 'used_at'],
};

export async function familiesWorld(real: RealDatabaseCase): Promise<FamiliesWorld> {
  const place = await real.createDatabase();
  const database = openDatabase({ url: place.url, connectionsMax: 8 });
  const write: FamiliesWorld['write'] = (sql, params) => database.transact((tx) => runText(tx, sql, params));
  await database.transact((tx) => migration.up(migrationRunner(tx)));
  const families = familiesWith({});
  return {
    database,
    url: place.url,
    families,
    with: familiesWith,
    begin: (subject = '7') => database.transact((tx) => families.begin(tx, { subject, client: phone })),
    refresh: (refreshToken, by = families) => database.transact((tx) => by.rotate(tx, refreshToken, phone)),
    revoke: (familyId) => database.transact((tx) => families.revoke(tx, familyId, 'logout')),
    age: (seconds) => ageAll(database, write, seconds),
    write,
    end: async () => {
      await database.close();
      await place.drop();
    },
  };
}

/** Runs a migration in a transaction. */
export function migrationRunner(tx: Tx): MigrationRunner {
  return { dialect: tx.dialect, run: (sql, params) => runText(tx, sql, params) };
}

async function runText(
  tx: Tx,
  sql: string,
  params: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const statement = writeStatement<readonly unknown[], Record<string, unknown>>('test.write', sql);
  return (await tx.run(statement, params)).rows;
}

function familiesWith(options: Partial<FamiliesOptions>): Families {
  const lives = { idleTtlSeconds: 3_600, absoluteTtlSeconds: 86_400, graceSeconds: 30 };
  return createFamilies({ successorKey, clock: systemClock, ...lives, ...options });
}

async function ageAll(database: Database, write: FamiliesWorld['write'], seconds: number): Promise<void> {
  const interval = database.dialect.name === 'mysql' ? `interval ${seconds} second` : `interval '${seconds} seconds'`;
  for (const [table, columns] of Object.entries(instants)) {
    await write(`update ${table} set ${columns.map((column) => `${column} = ${column} - ${interval}`).join(', ')}`);
  }
}

/** The new token of a refresh that succeeded; throws for any other outcome. */
export function tokenOf(rotation: Rotation): string {
  if (rotation.outcome === 'rotated' || rotation.outcome === 'replayed') return rotation.refreshToken;
  throw new Error(`The refresh was ${rotation.outcome}`);
}
