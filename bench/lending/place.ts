import path from 'node:path';
import { sofipo } from '../../services/sofipo/src/service.ts';
import { type Client, openClient } from '../members/clients.ts';
import { startRedis } from '../members/redis.ts';
import { wanted } from '../members/sessions.ts';
import type { Variables } from '../stage/children.ts';
import { mainScript, surroundings } from '../stage/quinta.ts';
import { emptiedVariables, untilServing } from '../stage/serving.ts';
import type { BenchDatabase, Stage } from '../stage/stage.ts';

/** SOFIPO's tables, its Redis, and how its commands are run on them. */
export interface LendingGround {
  readonly database: BenchDatabase;
  readonly redisUrl: string;
  readonly env: Variables;
  close(): Promise<void>;
}

/** SOFIPO as it runs in production, in one process. */
export interface LendingPlace extends LendingGround {
  readonly address: string;
  readonly pid: number;
  /** Access tokens of the first admin, each of a sign-in of its own. */
  readonly tokens: readonly string[];
  readonly client: Client;
  /** Ends the server; its database stays. */
  stop(): Promise<void>;
  /** Between two measurements: a log that would fill the disk is emptied. */
  rest(): void;
}

export interface PlaceOptions {
  readonly name: string;
  readonly variables?: Variables;
}

const commandTimeoutMs = 60_000;
const admin = { username: 'bench.admin', password: 'nine herons beside the canal' } as const;
/** Fewer than may sign in within a minute from one address. */
const signIns = 4;
const setUpConnections = 4;

/** Throws where there is no redis-server. */
export async function openLendingGround(stage: Stage, options: PlaceOptions): Promise<LendingGround> {
  const database = await stage.makeEmptyDatabase(options.name);
  const redis = await startRedis(stage);
  const close = async (): Promise<void> => {
    await redis.stop();
    await database.drop();
  };
  try {
    const env = { ...variablesOf(stage, database, redis.url), ...options.variables };
    await stage.children.run(process.execPath, [mainScript, 'migrate', 'up', 'sofipo'], {
      env,
      timeoutMs: commandTimeoutMs,
    });
    return { database, redisUrl: redis.url, env, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export async function openLendingPlace(stage: Stage, options: PlaceOptions): Promise<LendingPlace> {
  const ground = await openLendingGround(stage, options);
  const client = openClient(setUpConnections);
  const logFile = path.join(stage.folder, `${options.name}.log`);
  const child = stage.children.start(process.execPath, [mainScript, 'start', 'sofipo'], { env: ground.env, logFile });
  const close = async (): Promise<void> => {
    client.close();
    await child.stop();
    await ground.close();
  };
  try {
    const address = await untilServing(stage, child, sofipo.face.title);
    const tokens: string[] = [];
    for (let place = 0; place < signIns; place += 1) tokens.push(await signIn(address));
    const rest = (): void => child.emptyLog();
    return { ...ground, address, pid: child.pid, tokens, client, rest, stop: () => child.stop(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The form of the README. */
async function signIn(address: string): Promise<string> {
  const answer = await fetch(`${address}/api/v1/auth/token`, {
    method: 'POST',
    body: new URLSearchParams(admin),
    signal: AbortSignal.timeout(commandTimeoutMs),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`A sign-in was answered ${answer.status}: ${text}`);
  return (JSON.parse(text) as { access_token: string }).access_token;
}

/** Asks the API for something that prepares a measurement; throws unless it answers so. */
export async function ask<Answer>(
  { address, client, tokens }: Pick<LendingPlace, 'address' | 'client' | 'tokens'>,
  target: string,
  body: unknown,
): Promise<Answer> {
  const headers = { authorization: `Bearer ${tokens[0] ?? ''}` };
  const heard = await client.send(`${address}/api/v1${target}`, { method: 'POST', body, headers });
  return JSON.parse(wanted(heard, 201)) as Answer;
}

/** Production's own defaults in everything that is not about the place; a token lasts as long as a run may. */
function variablesOf(stage: Stage, { applicationUrl, ownerUrl }: BenchDatabase, redisUrl: string): Variables {
  return {
    ...emptiedVariables(sofipo),
    ...surroundings(),
    APP_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: '0',
    QUINTA_DATA_DIR: stage.folder,
    DATABASE_URL: applicationUrl,
    MIGRATION_DATABASE_URL: ownerUrl,
    REDIS_URL: redisUrl,
    API_SECRET_KEY: stage.jwt.secret,
    API_ACCESS_TOKEN_EXPIRE_MINUTES: '1440',
    AUDIT_SIGNING_KEY: `audit-${stage.jwt.secret}`,
    SOFIPO_ADMIN_USERNAME: admin.username,
    SOFIPO_ADMIN_PASSWORD: admin.password,
    // An hour that strikes during a measurement would close a day of all loans.
    SOFIPO_DAY_CLOSE: 'off',
  };
}
