import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, it, vi } from 'vitest';
import { withMutex } from '../src/database/embedded/mutex.ts';
import {
  expectStopped,
  hold,
  holdInProcess,
  postmasterPid,
  privateFolder,
  processesIn,
  query,
} from './embedded-world.ts';

function timesInLog(folder: string, text: string): number {
  return readFileSync(join(folder, 'postgresql.log'), 'utf8').split(text).length - 1;
}

it('serves eight processes that start at once with one server, and stops once when all have let go', async () => {
  const folder = join(privateFolder(), 'data');
  const holders = Array.from({ length: 8 }, () => holdInProcess(folder));
  const all = await Promise.all(holders.map(({ held }) => held));
  expect(new Set(all.map(({ ownerUrl }) => ownerUrl)).size).toBe(1);
  const [first] = all;
  expect(all.filter(({ said }) => said.length > 0)).toHaveLength(1);
  await Promise.all(holders.map(({ release }) => release()));
  await expectStopped(first?.dataDirectory ?? '');
  expect(timesInLog(folder, 'starting PostgreSQL')).toBe(1);
  expect(timesInLog(folder, 'received fast shutdown request')).toBe(1);
  expect(timesInLog(folder, 'database system is shut down')).toBe(1);
});

it('goes through many starts and stops by processes that cross, and loses nothing', async () => {
  const folder = join(privateFolder(), 'data');
  for (let round = 0; round < 4; round += 1) {
    const holders = Array.from({ length: 4 }, () => holdInProcess(folder));
    // Each lets go as soon as it holds, so that stops meet the starts of the others.
    await Promise.all(holders.map(({ held, release }) => held.then(release)));
  }
  const server = await hold(folder);
  expect(timesInLog(folder, 'database system was not properly shut down')).toBe(0);
  await server.release();
  await expectStopped(server.dataDirectory);
});

it('stays for another holder, for one in the same process, and for psql', async () => {
  const folder = join(privateFolder(), 'data');
  const [first, second] = [await hold(folder), await hold(folder)];
  const { applicationUrl } = await first.ensureDatabase('mexa');
  const pid = postmasterPid(first.dataDirectory);
  await first.release();
  expect(await query(applicationUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  const psql = new Client({ connectionString: applicationUrl });
  await psql.connect();
  await second.release();
  expect((await psql.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await psql.end();
  const third = await hold(folder);
  expect(postmasterPid(third.dataDirectory)).toBe(pid);
  await Promise.all([third.release(), third.release()]);
  await third.release();
  await expectStopped(third.dataDirectory);
});

it('stops when the other holder was killed a moment ago', async () => {
  const folder = join(privateFolder(), 'data');
  const holder = holdInProcess(folder);
  const server = await hold(folder);
  await holder.held;
  await holder.kill();
  await server.release();
  await expectStopped(server.dataDirectory);
});

it('waits a moment for connections that are just closing', async () => {
  const server = await hold(join(privateFolder(), 'data'));
  const pool = new Client({ connectionString: server.adminUrl });
  await pool.connect();
  const released = server.release();
  const leaving = "select 1 from pg_stat_activity where application_name = 'quinta leaving'";
  await vi.waitFor(async () => expect((await pool.query(leaving)).rowCount).toBe(1), { interval: 1 });
  await pool.end();
  await released;
  await expectStopped(server.dataDirectory);
});

it('makes a database once, however many ask for it at once', async () => {
  const folder = join(privateFolder(), 'data');
  const servers = await Promise.all([hold(folder), hold(folder), hold(folder)]);
  const asked = ['mexa', 'sofipo', 'move-acces'].flatMap((name) =>
    servers.map((server) => server.ensureDatabase(name)),
  );
  expect(new Set((await Promise.all(asked)).map(({ applicationUrl }) => applicationUrl)).size).toBe(3);
});

it('is not reached by a signal to the process group, as a terminal sends it', async () => {
  const folder = join(privateFolder(), 'data');
  const holder = holdInProcess(folder);
  const { dataDirectory, adminUrl } = await holder.held;
  const server = await hold(folder);
  const rows = await query(adminUrl, 'select 1 as one');
  const pid = postmasterPid(dataDirectory);
  expect(processGroup(pid)).toBe(pid);
  expect(processGroup(pid)).not.toBe(processGroup(holder.child.pid ?? 0));
  expect(rows).toEqual([{ one: 1 }]);
  await server.release();
  await holder.release();
  expect(processesIn(folder)).toEqual([]);
});

it('says who holds the lock when it is not given in time', async () => {
  const folder = privateFolder();
  const lock = join(folder, 'lock.sqlite');
  await withMutex(lock, async () => {
    await expect(withMutex(lock, () => Promise.resolve(), 100)).rejects.toThrow(/holds .*lock\.sqlite/);
  });
  await expect(withMutex(lock, () => Promise.resolve('free'))).resolves.toBe('free');
});

function processGroup(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' }));
}
