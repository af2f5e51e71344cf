import path from 'node:path';
import { moveAcces } from '../../services/move-acces/src/service.ts';
import type { Child, Variables } from '../stage/children.ts';
import { mainScript, surroundings } from '../stage/quinta.ts';
import { emptiedVariables, untilServing } from '../stage/serving.ts';
import { openForBench } from '../stage/sql.ts';
import type { BenchDatabase, Stage } from '../stage/stage.ts';
import { hashing, type Member, makeMembers } from './accounts.ts';
import { startRedis } from './redis.ts';

/** Move Acces as it runs in production, with its members; each process at an address of its own. */
export interface MembersPlace {
  readonly addresses: readonly string[];
  readonly pids: readonly number[];
  readonly members: readonly Member[];
  readonly database: BenchDatabase;
  readonly redisUrl: string;
  readonly secret: string;
  /** Between two measurements: logs that would fill the disk are emptied. */
  rest(): void;
  close(): Promise<void>;
}

export interface PlaceOptions {
  readonly name: string;
  readonly processes?: number;
  readonly members?: number;
  readonly variables?: Variables;
}

const commandTimeoutMs = 60_000;

/** Throws where there is no redis-server. */
export async function openMembersPlace(stage: Stage, options: PlaceOptions): Promise<MembersPlace> {
  const { name, processes = 1, members: count = 64 } = options;
  const database = await stage.makeEmptyDatabase(name);
  const redis = await startRedis(stage);
  const children: Child[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop()));
    await redis.stop();
    await database.drop();
  };
  try {
    const env = { ...variablesOf(stage, database, redis.url), ...options.variables };
    const owner = openForBench(database.ownerUrl);
    const members = await makeMembers(owner, count);
    await owner.close();
    await stage.children.run(process.execPath, [mainScript, 'migrate', 'up', 'move-acces'], {
      env,
      timeoutMs: commandTimeoutMs,
    });
    const addresses: string[] = [];
    for (let place = 0; place < processes; place += 1) {
      const logFile = path.join(stage.folder, `${name}-${place}.log`);
      const child = stage.children.start(process.execPath, [mainScript, 'start', 'move-acces'], { env, logFile });
      children.push(child);
      addresses.push(await untilServing(stage, child, moveAcces.face.title));
    }
    const pids = children.map(({ pid }) => pid);
    const rest = (): void => children.forEach((child) => child.emptyLog());
    const { secret } = stage.jwt;
    return { addresses, pids, members, database, redisUrl: redis.url, secret, rest, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The promised limits stay: whoever sends many requests sends them from many addresses, as a proxy tells of them. */
function variablesOf(stage: Stage, { applicationUrl, ownerUrl }: BenchDatabase, redisUrl: string): Variables {
  return {
    ...emptiedVariables(moveAcces),
    ...surroundings(),
    ENVIRONMENT: 'production',
    HOST: '127.0.0.1',
    PORT: '0',
    QUINTA_DATA_DIR: stage.folder,
    DATABASE_URL: applicationUrl,
    MIGRATION_DATABASE_URL: ownerUrl,
    REDIS_URL: redisUrl,
    APP_SECRET: stage.jwt.secret,
    AUDIT_SIGNING_KEY: `audit-${stage.jwt.secret}`,
    TRUST_PROXY: '127.0.0.1/32',
    ACCESS_TOKEN_TTL_MIN: '1440',
    ARGON2_MEMORY_KIB: String(hashing.memoryKiB),
    ARGON2_PASSES: String(hashing.passes),
    ARGON2_LANES: String(hashing.lanes),
    LEGACY_HASHES: 'none',
  };
}
