import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Database, type EmbeddedServer, holdEmbeddedServer } from '../../platform/src/database/index.ts';
import { createAccessTokens } from '../../platform/src/identity/index.ts';
import { silentLog, systemClock } from '../../platform/src/kernel/index.ts';
import { Children, type Variables } from './children.ts';
import { mainScript, quintaVariables } from './quinta.ts';
import { openForBench, query } from './sql.ts';

/** Users of every database: the first is an admin, the clerks behind it send the requests, the others draw. */
export const users = { count: 1_000, firstClerk: 2, clerks: 64, firstDrawer: 101, lastDrawer: 999 } as const;

/** A database of one contestant: MEXA's tables with their users, and nothing else in them. */
export interface BenchDatabase {
  readonly name: string;
  readonly ownerUrl: string;
  /** Of the role that contestants work as. */
  readonly applicationUrl: string;
  /** As the superuser, for looking behind the contestant. */
  readonly sql: Database;
  drop(): Promise<void>;
}

/** What every part of a run stands on: one private PostgreSQL, one folder, the processes that were started. */
export interface Stage {
  readonly folder: string;
  readonly admin: Database;
  readonly postmasterPid: number;
  readonly socketFolder: string;
  readonly children: Children;
  readonly signal: AbortSignal;
  readonly jwt: Jwt;
  /** An access token of each clerk, good for a day, that every contestant takes. */
  readonly clerkTokens: readonly string[];
  readonly adminToken: string;
  readonly say: (line: string) => void;
  /** A copy of the template: the same tables, indexes, rights and users for everybody. */
  makeDatabase(name: string): Promise<BenchDatabase>;
  /** One without any table, for what is not MEXA. */
  makeEmptyDatabase(name: string): Promise<BenchDatabase>;
  close(): Promise<void>;
}

export interface Jwt {
  readonly secret: string;
  readonly issuer: string;
  readonly audience: string;
}

const tokenLifeSeconds = 86_400;

const template = 'bench';
const commandTimeoutMs = 60_000;

/** Starts the server in a folder of its own and prepares the template. Close it however the run ends. */
export async function openStage(options: {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}): Promise<Stage> {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'quinta-bench-')));
  chmodSync(folder, 0o755); // as root, PostgreSQL runs as somebody else
  const children = new Children(options.signal);
  let server: EmbeddedServer | undefined;
  let admin: Database | undefined;
  const close = async (): Promise<void> => {
    await children.stopAll();
    await admin?.close();
    await server?.release();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    server = await holdEmbeddedServer({ dataDirectory: folder, log: silentLog });
    admin = openForBench(server.adminUrl);
    const urls = await server.ensureDatabase(template);
    const jwt = { secret: randomBytes(36).toString('base64url'), issuer: 'quinta', audience: 'mexa' };
    const variables = quintaVariables({ folder, urls, secret: jwt.secret });
    const quinta = runner(children, variables);
    await quinta(['migrate', 'up', 'mexa']);
    await makeUsers(server.adminUrl);
    const keyName = keyNameOf(await quinta(['token', 'mexa', '--role', 'admin']));
    const sign = signer(jwt, keyName);
    return {
      folder,
      admin,
      children,
      jwt,
      close,
      ...options,
      postmasterPid: Number.parseInt(readFileSync(path.join(server.dataDirectory, 'postmaster.pid'), 'utf8'), 10),
      socketFolder: server.socketDirectory,
      adminToken: await sign(1, 'admin'),
      clerkTokens: await Promise.all(
        Array.from({ length: users.clerks }, (_, place) => sign(users.firstClerk + place, 'cajero')),
      ),
      makeDatabase: makerOf(admin, { ...urls, adminUrl: server.adminUrl }, template),
      makeEmptyDatabase: makerOf(admin, { ...urls, adminUrl: server.adminUrl }, 'template0'),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function runner(children: Children, env: Variables): (words: readonly string[]) => Promise<string> {
  // Tokens are for development; the servers that are measured run as in production.
  return (words) =>
    children.run(process.execPath, [mainScript, ...words], {
      env: { ...env, APP_ENV: 'development' },
      timeoutMs: commandTimeoutMs,
    });
}

async function makeUsers(adminUrl: string): Promise<void> {
  const database = openForBench(withDatabase(adminUrl, template));
  try {
    await query(
      database,
      `insert into usuarios (username, email, password_hash, role)
       select 'bench' || n, 'bench' || n || '@bench.example', '-',
              case when n = 1 then 'admin' when n between $2::int and $3::int then 'cajero' else 'usuario' end
         from generate_series(1, $1::int) n`,
      [users.count, users.firstClerk, users.firstClerk + users.clerks - 1],
    );
    // The users of a company were there yesterday, so PostgreSQL knows how many they are; vouchers begin from nothing.
    await query(database, 'analyze usuarios');
  } finally {
    await database.close();
  }
}

/** MEXA names its key by a digest of its own; a token of its making tells the name. */
function keyNameOf(token: string): string {
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
  return header.kid;
}

function signer(jwt: Jwt, kid: string): (userId: number, role: string) => Promise<string> {
  const tokens = createAccessTokens({
    keys: [{ kid, secret: jwt.secret }],
    issuer: jwt.issuer,
    audience: jwt.audience,
    ttlSeconds: tokenLifeSeconds,
    clock: systemClock,
  });
  return async (userId, role) => {
    const subject = { subject: String(userId), name: `bench${userId}`, role, sessionId: randomUUID() };
    return (await tokens.sign(subject)).token;
  };
}

function makerOf(
  admin: Database,
  urls: { readonly ownerUrl: string; readonly applicationUrl: string; readonly adminUrl: string },
  source: string,
): (name: string) => Promise<BenchDatabase> {
  return async (label) => {
    const name = `${template}_${label.replaceAll(/\W/g, '_')}`;
    const role = (kind: string): string => `${template}_${kind}`;
    await query(admin, `drop database if exists ${name} with (force)`);
    await query(admin, `create database ${name} template ${source} owner ${role('owner')}`);
    await query(admin, `revoke all on database ${name} from public`);
    await query(admin, `grant connect on database ${name} to ${role('app')}`);
    const sql = openForBench(withDatabase(urls.adminUrl, name));
    return {
      name,
      ownerUrl: withDatabase(urls.ownerUrl, name),
      applicationUrl: withDatabase(urls.applicationUrl, name),
      sql,
      drop: async () => {
        await sql.close();
        await query(admin, `drop database if exists ${name} with (force)`);
      },
    };
  };
}

/** The same server and role with another database; the socket's folder stands in the query. */
function withDatabase(url: string, name: string): string {
  return url.replace(/@\/[^?]*/, `@/${name}`);
}
