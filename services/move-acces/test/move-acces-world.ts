import { type Database, openDatabase, writeStatement } from '@quinta/platform/database';
import {
  call,
  type HttpAnswer,
  type HttpCall,
  openServiceWorld,
  openTestDatabase,
  type RealDatabaseCase,
  type ServiceWorld,
  type TestDatabase,
} from '@quinta/platform/testing';
import { issueMoveAccesToken, seedMoveAcces } from '../src/demo.ts';
import { standInTables } from '../src/legacy/stand-in.ts';
import { type MoveAcces, moveAcces } from '../src/service.ts';
import { givenTables } from './mariadb-tables.ts';

export const demoPassword = 'correct horse battery staple';

/** Weaker than any that is taken in earnest would be slow: what OWASP asks for at least, and no sample of bcrypt. */
const quickHashing = { ARGON2_MEMORY_KIB: '7168', ARGON2_PASSES: '5', ARGON2_LANES: '1', LEGACY_HASHES: 'none' };
/** More than any test sends, unless it asks for the promised ones. */
const wideLimits = { RATE_LIMIT_LOGIN_PER_MIN: '5000', RATE_LIMIT_API_PER_5MIN: '10000' };

/** Move Acces with the members of the demo: `staff@`, `lea@`, `noah@` and `mia@demo.example`. */
export interface MoveAccesWorld extends ServiceWorld {
  readonly moveAcces: MoveAcces;
  readonly tokens: Readonly<Record<'staff' | 'lea', string>>;
  api(path: string, request?: HttpCall): Promise<HttpAnswer>;
  /** SQL as the role that owns the tables. */
  sql(text: string): Promise<readonly Record<string, unknown>[]>;
}

export interface MoveAccesWorldOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** On this server, with the tables as the other system makes them there; default the embedded one. */
  readonly real?: RealDatabaseCase;
  readonly tables?: readonly string[];
  /** Statements on the other system's tables before the service sees them. */
  readonly before?: readonly string[];
  readonly isSeeded?: boolean;
}

export async function openMoveAccesWorld(options: MoveAccesWorldOptions = {}): Promise<MoveAccesWorld> {
  const databases = options.real ? await realDatabase(options.real) : await openTestDatabase('move_acces');
  await makeTables(databases, options);
  const world = await openServiceWorld(moveAcces, {
    databases,
    environment: { ...quickHashing, ...wideLimits, ...options.environment },
  });
  const app = world.app as MoveAcces;
  if (options.isSeeded !== false) await seedMoveAcces(app, demoPassword);
  const tokenOf = (user: string): Promise<string> =>
    options.isSeeded === false ? Promise.resolve('') : issueMoveAccesToken(app, { user: `${user}@demo.example` });
  return {
    ...world,
    moveAcces: app,
    tokens: { staff: await tokenOf('staff'), lea: await tokenOf('lea') },
    api: (path, request) => call(`${world.baseUrl}${path}`, request),
    sql: (text) => runSql(world.owner, text),
  };
}

async function realDatabase(real: RealDatabaseCase): Promise<TestDatabase> {
  const made = await real.createDatabase();
  return { urls: { owner: made.url, application: made.url }, drop: () => made.drop() };
}

async function makeTables(databases: TestDatabase, { real, tables, before = [] }: MoveAccesWorldOptions) {
  const owner = openDatabase({ url: databases.urls.owner, connectionsMax: 1 });
  try {
    const run = (text: string): Promise<readonly Record<string, unknown>[]> => runSql(owner, text);
    if (real?.dialect.name === 'mysql') for (const text of tables ?? givenTables) await run(text);
    else await standInTables({ dialect: owner.dialect, run });
    for (const text of before) await run(text);
  } finally {
    await owner.close();
  }
}

async function runSql(database: Database, text: string): Promise<readonly Record<string, unknown>[]> {
  const statement = writeStatement<[], Record<string, unknown>>('test.sql', text);
  return (await database.runAlone(statement, [])).rows;
}

let people = 0;

/** A body that registers somebody new. */
export function newMember(changes: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  people += 1;
  return {
    email: `member${people}.${process.pid}@demo.example`,
    password: demoPassword,
    first_name: 'Eva',
    last_name: 'Muster',
    date_naissance: '1991-02-03',
    rue: 'Chemin des Vignes 3',
    npa: '1963',
    localite: 'Vétroz',
    ...changes,
  };
}
