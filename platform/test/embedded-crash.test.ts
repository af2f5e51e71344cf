import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { findBinaries } from '../src/database/embedded/binaries.ts';
import { ensureCluster } from '../src/database/embedded/cluster.ts';
import { placeFor } from '../src/database/embedded/placement.ts';
import { startPostmaster } from '../src/database/embedded/start.ts';
import {
  expectStopped,
  hold,
  holdInProcess,
  isRoot,
  postmasterPid,
  privateFolder,
  processesIn,
  query,
} from './embedded-world.ts';

const tables = 'create table vales (id int primary key)';
const insert = 'insert into vales values (7)';
const select = 'select id from vales';

it('takes over the server of a process that was killed, with what it wrote', async () => {
  const folder = join(privateFolder(), 'data');
  const holder = holdInProcess(folder);
  const { ownerUrl, dataDirectory } = await holder.held;
  await query(ownerUrl, tables);
  await query(ownerUrl, insert);
  const pid = postmasterPid(dataDirectory);
  await holder.kill();
  const server = await hold(folder);
  expect(postmasterPid(dataDirectory)).toBe(pid);
  expect(await query(ownerUrl, select)).toEqual([{ id: 7 }]);
  await server.release();
  await expectStopped(dataDirectory);
});

it('recovers what was committed when PostgreSQL and its holder were killed', async () => {
  const folder = join(privateFolder(), 'data');
  const holder = holdInProcess(folder);
  const { ownerUrl, dataDirectory } = await holder.held;
  await query(ownerUrl, tables);
  await query(ownerUrl, insert);
  await holder.kill();
  process.kill(postmasterPid(dataDirectory), 'SIGKILL');
  await hold(folder);
  expect(await query(ownerUrl, select)).toEqual([{ id: 7 }]);
});

it('starts a killed PostgreSQL again under the processes that hold it, on the same address', async () => {
  const folder = join(privateFolder(), 'data');
  const other = holdInProcess(folder);
  const server = await hold(folder);
  await other.held;
  const { ownerUrl } = await server.ensureDatabase('mexa');
  await query(ownerUrl, tables);
  await query(ownerUrl, insert);
  const pid = postmasterPid(server.dataDirectory);
  process.kill(pid, 'SIGKILL');
  await vi.waitFor(async () => expect(await query(ownerUrl, select)).toEqual([{ id: 7 }]), { timeout: 30_000 });
  expect(postmasterPid(server.dataDirectory)).not.toBe(pid);
  await other.release();
  expect((await server.ensureDatabase('mexa')).ownerUrl).toBe(ownerUrl);
  await server.release();
  await expectStopped(server.dataDirectory);
});

it('makes a database on a PostgreSQL that was killed just before', async () => {
  const folder = join(privateFolder(), 'data');
  const server = await hold(folder);
  for (const name of ['mexa', 'finca', 'sofipo']) {
    process.kill(postmasterPid(server.dataDirectory), 'SIGKILL');
    const { ownerUrl } = await server.ensureDatabase(name);
    expect(await query(ownerUrl, 'select current_database() as name')).toEqual([{ name }]);
  }
  await server.release();
  await expectStopped(server.dataDirectory);
});

/** What is on the disk at successive moments of making a cluster and starting it. */
const moments: readonly (readonly [string, (data: string) => boolean])[] = [
  ['nothing but the secret', (data) => existsSync(join(data, 'secret'))],
  ['an empty folder', (data) => partOf(data) !== undefined],
  ['a version', (data) => hasInPart(data, 'PG_VERSION')],
  ['the first database', (data) => hasInPart(data, 'base/1/PG_VERSION')],
  ['all three databases', (data) => hasInPart(data, 'base/5/PG_VERSION')],
  ['the whole cluster', (data) => existsSync(join(data, 'cluster', 'PG_VERSION'))],
  ['a starting postmaster', (data) => existsSync(join(data, 'cluster', 'postmaster.pid'))],
];

it.each(moments)('makes the database again after a kill when there was %s', async (_name, isReached) => {
  const folder = privateFolder();
  const data = join(folder, 'data');
  const victim = holdInProcess(data);
  await vi.waitUntil(() => isReached(data), { timeout: 60_000, interval: 1 });
  await victim.kill();
  const server = await hold(data);
  const { ownerUrl } = await server.ensureDatabase('mexa');
  await query(ownerUrl, tables);
  await server.release();
  // initdb goes on without its parent, and may leave a part behind; the next start clears that up too.
  await vi.waitFor(() => expect(processesIn(folder)).toEqual([]), { timeout: 60_000 });
  await hold(data);
  expect(partOf(data)).toBeUndefined();
  expect(await query(ownerUrl, 'select count(*)::int from vales')).toEqual([{ count: 0 }]);
});

it('takes over a postmaster that comes up while it starts its own, because the starter of that one was killed', async () => {
  const place = placeFor(join(privateFolder(), 'data'), () => undefined);
  const binaries = await findBinaries(place);
  await ensureCluster(place, binaries, () => undefined);
  const orphaning = join(place.directory, '..', 'postgres-behind-another');
  const pidFile = join(place.clusterDirectory, 'postmaster.pid');
  const lines = [
    '#!/bin/sh',
    `'${binaries.postgres}' "$@" &`,
    `until [ -s '${pidFile}' ]; do sleep 0.01; done`,
    `exec '${binaries.postgres}' "$@"`,
  ];
  writeFileSync(orphaning, lines.join('\n'), { mode: 0o755 });
  const twice = { place, binaries: { ...binaries, postgres: orphaning }, settings: {} };
  expect(await startPostmaster(twice)).toBe('must_wait');
  const orphan = postmasterPid(place.clusterDirectory);
  const server = await hold(place.directory);
  expect(postmasterPid(server.dataDirectory)).toBe(orphan);
  await server.release();
  await expectStopped(server.dataDirectory);
});

function partOf(data: string): string | undefined {
  return existsSync(data) ? readdirSync(data).find((name) => name.startsWith('cluster.part-')) : undefined;
}

function hasInPart(data: string, path: string): boolean {
  const part = existsSync(data) ? readdirSync(data).find((name) => /^cluster\.part-[0-9a-f]+$/.test(name)) : undefined;
  return part !== undefined && existsSync(join(data, part, path));
}

it.each(['a stranger of the same account', 'this process itself', 'nobody'])(
  'starts where the process id of a dead server now belongs to %s',
  async (owner) => {
    const folder = join(privateFolder(), 'data');
    const first = await hold(folder);
    await first.ensureDatabase('mexa');
    const pidFile = readFileSync(join(first.dataDirectory, 'postmaster.pid'), 'utf8');
    await first.release();
    const pids: Record<string, number> = { 'this process itself': process.pid, nobody: 4_194_304 };
    const pid = pids[owner] ?? strangerOf(first.dataDirectory);
    writeFileSync(join(first.dataDirectory, 'postmaster.pid'), pidFile.replace(/^\d+/, String(pid)));
    const second = await hold(folder);
    expect(await query(second.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  },
);

/** A process of whoever owns the cluster: PostgreSQL takes one like it for its other self. */
function strangerOf(clusterDirectory: string): number {
  const { uid, gid } = statSync(clusterDirectory);
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'], cwd: '/', ...(isRoot ? { uid, gid } : {}) });
  onTestFinished(() => void child.kill());
  return child.pid ?? 0;
}

it('replaces a server whose socket was cleaned away, and one whose whole folder was', async () => {
  const folder = join(privateFolder(), 'data');
  const holder = holdInProcess(folder);
  const { dataDirectory, socketDirectory, ownerUrl } = await holder.held;
  await query(ownerUrl, tables);
  const deaf = postmasterPid(dataDirectory);
  await holder.kill();
  rmSync(socketDirectory, { recursive: true });
  const server = await hold(folder);
  expect(postmasterPid(dataDirectory)).not.toBe(deaf);
  expect(await query(ownerUrl, select)).toEqual([]);
  await server.release();

  const another = holdInProcess(folder);
  await another.held;
  const orphan = postmasterPid(dataDirectory);
  await another.kill();
  rmSync(folder, { recursive: true });
  const fresh = await hold(folder);
  expect(fresh.said).toEqual([expect.stringContaining('first start only')]);
  await vi.waitFor(() => expect(processesIn(folder).map(({ pid }) => pid)).not.toContain(orphan), { timeout: 90_000 });
  await fresh.ensureDatabase('mexa');
});
