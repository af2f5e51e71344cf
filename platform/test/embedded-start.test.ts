import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectStopped, hold, outcomeOf, privateFolder, query } from './embedded-world.ts';

it('makes a server on the first start, and finds its data again on the second', async () => {
  const folder = join(privateFolder(), 'deep', 'data');
  const first = await hold(folder);
  expect(first.said).toEqual([expect.stringContaining('first start only')]);
  const { ownerUrl } = await first.ensureDatabase('mexa');
  await query(ownerUrl, 'create table vales (id int); insert into vales values (7)');
  await first.release();
  await expectStopped(first.dataDirectory);
  expect(existsSync(first.socketDirectory)).toBe(false);

  const second = await hold(folder);
  expect(second.said).toEqual([]);
  expect((await second.ensureDatabase('mexa')).ownerUrl).toBe(ownerUrl);
  expect(await query(ownerUrl, 'select id from vales')).toEqual([{ id: 7 }]);
});

it('starts from a path with spaces, quotes and letters of other alphabets', async () => {
  const server = await hold(join(privateFolder(), `My "data", l'été ¿no? $HOME`));
  const { applicationUrl } = await server.ensureDatabase('sofipo');
  expect(await query(applicationUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
});

it('starts from a path longer than the address of a socket may be', async () => {
  const server = await hold(join(privateFolder(), 'a'.repeat(120), 'b'.repeat(120)));
  expect(server.socketDirectory.length).toBeLessThan(80);
  expect(await query(server.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
});

it('is durable, keeps UTC, stores Unicode, and listens on nothing but its socket', async () => {
  const server = await hold(join(privateFolder(), 'data'), { work_mem: '7MB' });
  const names = ['fsync', 'synchronous_commit', 'full_page_writes', 'TimeZone', 'listen_addresses', 'work_mem'];
  const rows = await query(
    server.adminUrl,
    `select name, setting || coalesce(unit, '') as value from pg_settings where name = any('{${names.join(',')}}')`,
  );
  expect(Object.fromEntries(rows.map(({ name, value }) => [name, value]))).toEqual({
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    TimeZone: 'UTC',
    listen_addresses: '',
    work_mem: '7168kB',
  });
  const { ownerUrl } = await server.ensureDatabase('mexa');
  const [row] = await query(ownerUrl, "select getdatabaseencoding() as encoding, lower('ÑÁ') as lower");
  expect(row).toEqual({ encoding: 'UTF8', lower: 'ñá' });
});

it('lets the owner make tables and trusted extensions, and the application only work with rows', async () => {
  const server = await hold(join(privateFolder(), 'data'));
  const { ownerUrl, applicationUrl } = await server.ensureDatabase('mexa');
  await query(ownerUrl, 'create extension pgcrypto');
  await query(ownerUrl, 'create table vales (id int); grant select, insert on vales to mexa_app');
  await query(applicationUrl, 'insert into vales values (1)');
  const refused = [
    'create table mine (id int)',
    'create temporary table mine (id int)',
    'create schema mine',
    'drop table vales',
    'alter table vales add column more int',
    'truncate vales',
    'create extension pg_trgm',
    'create database mine',
    'create role mine',
  ];
  const outcomes = await Promise.all(refused.map((statement) => outcomeOf(query(applicationUrl, statement))));
  for (const outcome of outcomes) expect(outcome).toMatch(/permission denied|must be owner/);
  await expect(query(ownerUrl, 'create role mine')).rejects.toThrow('permission denied');
  expect(await query(ownerUrl, "select rolname from pg_roles where rolsuper and rolname like 'mexa%'")).toEqual([]);
});

it('keeps the databases apart and asks everybody for a password', async () => {
  const server = await hold(join(privateFolder(), 'data'));
  const mexa = await server.ensureDatabase('mexa');
  await server.ensureDatabase('sofipo');
  await expect(query(mexa.ownerUrl.replace('/mexa?', '/sofipo?'), 'select 1')).rejects.toThrow('permission denied');
  await expect(query(mexa.applicationUrl.replace('/mexa?', '/postgres?'), 'select 1')).rejects.toThrow('permission');
  await expect(query(mexa.ownerUrl.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow('password');
  await expect(query(server.adminUrl.replace(/:[^:@]+@/, '@'), 'select 1')).rejects.toThrow(/password/i);
});

it('writes no statement, value or password to its log, and closes its files to others', async () => {
  const folder = join(privateFolder(), 'data');
  const server = await hold(folder);
  const { ownerUrl } = await server.ensureDatabase('mexa');
  await query(ownerUrl, "create table t (mail text unique); insert into t values ('ana@example.com')");
  await expect(query(ownerUrl, "insert into t values ('ana@example.com')")).rejects.toThrow('duplicate key');
  await expect(query(ownerUrl, "create role x password 'hunter2secret'")).rejects.toThrow('permission denied');
  await server.release();
  const log = readFileSync(join(folder, 'postgresql.log'), 'utf8');
  expect(log).toContain('ready to accept connections');
  expect(log).not.toMatch(/ana@example|hunter2secret|duplicate/);
  const closed = ['postgresql.log', 'secret', 'lock.sqlite', 'cluster'];
  expect(closed.filter((name) => (statSync(join(folder, name)).mode & 0o077) !== 0)).toEqual([]);
});

it('drops a database with its roles, and takes only names that are safe', async () => {
  const server = await hold(join(privateFolder(), 'data'));
  const { applicationUrl } = await server.ensureDatabase('mexa');
  await server.dropDatabase('mexa');
  await server.dropDatabase('mexa');
  await expect(query(applicationUrl, 'select 1')).rejects.toThrow(/does not exist|password/);
  expect(await query(server.adminUrl, "select rolname from pg_roles where rolname like 'mexa%'")).toEqual([]);
  const names = ['', 'Mexa', 'a"b', "a'b", '1a', `a${'b'.repeat(50)}`];
  const outcomes = await Promise.all(names.map((name) => outcomeOf(server.ensureDatabase(name))));
  for (const outcome of outcomes) expect(outcome).toContain('cannot be the name of a database');
});

it('begins its log anew when it has grown past ten megabytes', async () => {
  const folder = join(privateFolder(), 'data');
  mkdirSync(folder);
  writeFileSync(join(folder, 'postgresql.log'), 'x'.repeat(10 * 1024 * 1024 + 1));
  await hold(folder);
  expect(statSync(join(folder, 'postgresql.log')).size).toBeLessThan(10_000);
  expect(statSync(join(folder, 'postgresql.log.1')).size).toBeGreaterThan(10 * 1024 * 1024);
});

it('names both versions where another PostgreSQL has made the data', async () => {
  const folder = join(privateFolder(), 'data');
  mkdirSync(join(folder, 'cluster'), { recursive: true });
  writeFileSync(join(folder, 'cluster', 'PG_VERSION'), '17\n');
  await expect(hold(folder)).rejects.toThrow(/made by PostgreSQL 17, and this is PostgreSQL 18/);
  expect(readdirSync(join(folder, 'cluster'))).toEqual(['PG_VERSION']);
});

it('touches no folder that is not a cluster', async () => {
  const folder = join(privateFolder(), 'data');
  mkdirSync(join(folder, 'cluster'), { recursive: true });
  writeFileSync(join(folder, 'cluster', 'letter.txt'), 'mine');
  await expect(hold(folder)).rejects.toThrow('is no database of PostgreSQL');
  expect(readFileSync(join(folder, 'cluster', 'letter.txt'), 'utf8')).toBe('mine');
});

it('says where the secret is missing or is another one, and leaves the data alone', async () => {
  const folder = join(privateFolder(), 'data');
  await (await hold(folder)).release();
  const secret = readFileSync(join(folder, 'secret'), 'utf8');
  rmSync(join(folder, 'secret'));
  await expect(hold(folder)).rejects.toThrow(/secret.*is missing/);
  writeFileSync(join(folder, 'secret'), 'another');
  await expect(hold(folder)).rejects.toThrow('is not the one of the database');
  writeFileSync(join(folder, 'secret'), secret);
  const server = await hold(folder);
  expect(await query(server.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
});

it('says why PostgreSQL does not start', async () => {
  const folder = join(privateFolder(), 'data');
  await expect(hold(folder, { no_such_setting: 'on' })).rejects.toThrow(/does not start.*"no_such_setting"/);
});

it('says that a file is in the way of the data folder', async () => {
  const folder = privateFolder();
  writeFileSync(join(folder, 'file'), '');
  await expect(hold(join(folder, 'file', 'data'))).rejects.toThrow(/Cannot keep the database in .*a part of its path/);
});
