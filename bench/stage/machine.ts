import { closeSync, fdatasyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { shortNumber } from '../figures/numbers.ts';
import { medianOf } from '../figures/statistics.ts';
import { surroundings } from './quinta.ts';
import { hasProc } from './proc.ts';
import { query } from './sql.ts';
import type { Stage } from './stage.ts';

type Fact = readonly [name: string, value: string];

const gibibyte = 1024 ** 3;
/** Of a core: more than this and somebody else is at work. */
const quietLoadMax = 0.3;
const syncs = 200;
const syncBytes = 8_192;
const temporaryMemory = 0x01021994;
/** What statfs(2) calls them. */
const fileSystems: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x794c7630: 'overlay',
  [temporaryMemory]: 'tmpfs (memory: a durable commit costs nothing here, so the ratios mean little)',
};

/** What PostgreSQL was asked to be; the bench refuses to compare anything that is not durable. */
const settings = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'shared_buffers',
  'max_wal_size',
  'max_connections',
] as const;

/** The machine and the software, without a name or a path of either. */
export async function factsOf(stage: Stage, generator: string): Promise<readonly Fact[]> {
  const [cpu] = os.cpus();
  const [load = 0] = os.loadavg();
  if (load > quietLoadMax * os.availableParallelism()) {
    stage.say(`other work runs on this machine (load average ${shortNumber(load)}): the figures will mean little`);
  }
  return [
    ['cores', `${os.availableParallelism()} of ${cpu?.model.trim() ?? 'an unknown kind'}`],
    ['load average before the run', shortNumber(load)],
    ['memory', `${shortNumber(os.totalmem() / gibibyte)} GiB`],
    ['system', `${os.type()} ${os.release()}, ${process.arch}`],
    ['file system of the database', fileSystemOf(stage.folder)],
    ['8 KiB written and synced', `${shortNumber(syncTimeUs(stage.folder))} µs, the median of ${syncs}`],
    ['Node', process.version],
    ...(await databaseFacts(stage)),
    ['requests are sent by', await firstLineOf(stage, generator === 'wrk' ? ['wrk', '--version'] : undefined)],
    ['pgbench', await firstLineOf(stage, ['pgbench', '--version'])],
    ['Python', await pythonVersions(stage)],
    ...(hasProc ? [] : [['CPU time', 'not measured: this system has no /proc'] as const]),
  ];
}

/** Throws where commits of this server are not durable. */
export async function requireDurable(stage: Stage): Promise<void> {
  const rows = await settingsOf(stage);
  const off = rows.filter(
    ({ name, setting }) => /^(fsync|synchronous_commit|full_page_writes)$/.test(name) && setting !== 'on',
  );
  if (off.length > 0) throw new Error(`PostgreSQL is not durable: ${off.map(({ name }) => name).join(', ')} is off`);
}

async function databaseFacts(stage: Stage): Promise<readonly Fact[]> {
  const [version] = await query<{ version: string }>(
    stage.admin,
    "select current_setting('server_version') as version",
  );
  const rows = await settingsOf(stage);
  return [
    ['PostgreSQL', `${version?.version ?? 'unknown'}, embedded, Unix socket`],
    ...rows.map(({ name, setting }): Fact => [`its ${name}`, setting]),
  ];
}

function settingsOf(stage: Stage): Promise<readonly { readonly name: string; readonly setting: string }[]> {
  return query(stage.admin, 'select name, current_setting(name) as setting from unnest($1::text[]) as name', [
    [...settings],
  ]);
}

function fileSystemOf(folder: string): string {
  const { type } = statfsSync(folder);
  return fileSystems[type] ?? `of type 0x${type.toString(16)}`;
}

/** What every durable commit waits for, without PostgreSQL. */
function syncTimeUs(folder: string): number {
  const file = path.join(folder, 'sync-probe');
  const descriptor = openSync(file, 'w', 0o600);
  try {
    const block = Buffer.alloc(syncBytes, 1);
    const times = Array.from({ length: syncs }, () => {
      const startedMs = performance.now();
      writeSync(descriptor, block);
      fdatasyncSync(descriptor);
      return (performance.now() - startedMs) * 1_000;
    });
    return medianOf(times);
  } finally {
    closeSync(descriptor);
    rmSync(file);
  }
}

async function firstLineOf(stage: Stage, command: readonly string[] | undefined): Promise<string> {
  if (command === undefined) return 'autocannon (it costs more CPU than wrk, so the fast contestants stand too low)';
  const quoted = command.map((word) => `'${word}'`).join(' ');
  // wrk tells its version with an exit status of 1.
  const text = await stage.children.run('sh', ['-c', `${quoted} 2>&1 || true`], {
    env: surroundings(),
    timeoutMs: 10_000,
  });
  return text.split('\n')[0]?.replace(/ Copyright.*/, '') ?? '';
}

async function pythonVersions(stage: Stage): Promise<string> {
  const script = `import importlib, sys
def version(name):
    try: return name + ' ' + importlib.import_module(name).__version__.split(' ')[0]
    except Exception: return name + ' missing'
print('.'.join(map(str, sys.version_info[:3])) + '; ' + ', '.join(map(version, sys.argv[1:])))`;
  const modules = ['fastapi', 'uvicorn', 'sqlalchemy', 'asyncpg', 'flask', 'gunicorn', 'psycopg2'];
  try {
    const output = await stage.children.run('/usr/bin/python3', ['-W', 'ignore', '-c', script, ...modules], {
      env: surroundings(),
      timeoutMs: 30_000,
    });
    return output.trim();
  } catch {
    stage.signal.throwIfAborted();
    return 'not found';
  }
}
