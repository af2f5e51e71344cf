import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { mexa } from '@quinta/mexa';
import { type EmbeddedServer, holdEmbeddedServer } from '@quinta/platform/database';
import { silentLog } from '@quinta/platform/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertEnded, openPlace, type Outcome, type Place } from './place.ts';

let place: Place;
let held: EmbeddedServer;

/** The database server stays up between the commands, which each of them would have to start otherwise. */
beforeAll(async () => {
  place = openPlace();
  held = await holdEmbeddedServer({ dataDirectory: place.folder, log: silentLog });
});
afterAll(async () => {
  await held.release();
  await place.close();
});

async function migrate(line: string): Promise<Outcome> {
  return place.run(['migrate', ...line.split(' ')]);
}

/** The outcome of a command that must work, as a script reads it. */
async function migrated<Result>(line: string): Promise<Result> {
  const outcome = await migrate(`${line} --json`);
  assertEnded(outcome, 0);
  const lines = outcome.stdout.trim().split('\n');
  expect(lines).toHaveLength(1);
  const { service, ...rest } = JSON.parse(lines[0] ?? '') as { service: string; outcome?: Result };
  expect(service).toBe('mexa');
  return rest.outcome ?? (rest as Result);
}

type Current = readonly { readonly stream: string; readonly name: string | null }[];

async function currentOfMexa(): Promise<string | null | undefined> {
  return (await migrated<Current>('current mexa')).find(({ stream }) => stream === 'mexa')?.name;
}

interface Status {
  readonly pendingCount: number;
  readonly migrations: readonly { readonly name: string; readonly state: string }[];
}

test('the commands of migrations, from an empty database up, down and up again', async () => {
  const before = await migrated<Status>('status mexa');
  expect(before.pendingCount).toBe(before.migrations.length);
  expect(before.migrations.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'v001_initial_schema',
      'v002_add_request_id_to_vales',
      'v003_add_usuarios_indexes',
      'v004_create_audit_logs_table',
    ]),
  );
  expect(await currentOfMexa()).toBeNull();

  const up = await migrated<{ steps: readonly { direction: string; name: string }[] }>('up mexa');
  expect(up.steps.map(({ name }) => name)).toEqual(before.migrations.map(({ name }) => name));
  const newest = before.migrations.map(({ name }) => name).findLast((name) => name.startsWith('v'));
  expect(await currentOfMexa()).toBe(newest);
  expect((await migrated<Status>('status mexa')).pendingCount).toBe(0);
  expect((await migrate('up mexa')).stdout).toBe('mexa: nothing to do\n');

  const history = await migrated<readonly { name: string; finishedAt: string }[]>('history mexa');
  expect(history.map(({ name }) => name)).toEqual(up.steps.map(({ name }) => name));
  for (const { finishedAt } of history) expect(new Date(finishedAt).toISOString()).toBe(finishedAt);
  expect((await migrate('history mexa')).stdout).toContain('name v004_create_audit_logs_table');

  const check = await migrated<{ isOk: boolean; isCompared: boolean }>('check mexa');
  expect(check).toMatchObject({ isOk: true, isCompared: true });
  expect((await migrate('check mexa')).stdout).toContain(
    'mexa: locked files are unchanged; a fresh database has the same',
  );

  const down = await migrated<{ steps: readonly { direction: string }[] }>('down mexa --steps 2');
  expect(down.steps.map(({ direction }) => direction)).toEqual(['down', 'down']);
  await migrated('to mexa v004_create_audit_logs_table');
  expect(await currentOfMexa()).toBe('v004_create_audit_logs_table');
  await migrated('to mexa base');
  expect(await currentOfMexa()).toBeNull();
  await migrated('up mexa');
  expect(await currentOfMexa()).toBe(newest);

  // There is nothing to adopt in what Quinta made itself, and saying so is no failure.
  expect((await migrate('adopt mexa')).status).toBe(0);
  expect(await currentOfMexa()).toBe(newest);
});

test('those of Move Acces leave the tables of the other system alone, up, down and up again', async () => {
  const run = async (line: string): Promise<string> => {
    const outcome = await migrate(line);
    assertEnded(outcome, 0);
    return outcome.stdout;
  };
  expect(await run('up move-acces')).toContain('v001_member_tables');
  const legacy = ['move-acces', 'legacy', 'check'];
  expect(await place.run(legacy)).toMatchObject({ status: 0, stdout: 'The tables are as recorded\n' });
  expect(await run('check move-acces')).toContain('a fresh database has the same');
  for (let turn = 0; turn < 3; turn += 1) {
    await run('to move-acces base');
    await run('up move-acces');
  }
  expect(await place.run(legacy)).toMatchObject({ status: 0, stdout: 'The tables are as recorded\n' });
});

test.each([
  ['to mexa v099_unheard_of', 'v099_unheard_of'],
  ['resolve mexa v001_initial_schema --applied', 'v001_initial_schema'],
  ['new mexa Not-A-Name', 'Not-A-Name'],
])('migrate %s exits 1 or 2 with a sentence', async (line, names) => {
  const outcome = await migrate(line);
  expect([1, 2]).toContain(outcome.status);
  expect(outcome.stderr).toContain(names);
  expect(outcome.stderr).not.toContain('    at ');
});

test('migrate new makes the file of the next migration', async () => {
  const folder = fileURLToPath(mexa.migrations.folder);
  const files = (): readonly string[] =>
    readdirSync(folder)
      .filter((name) => /^v\d+_.*\.ts$/.test(name))
      .toSorted();
  const known = files();
  const outcome = await migrate('new mexa add_nothing_at_all');
  const made = outcome.stdout.trim();
  try {
    assertEnded(outcome, 0);
    expect(path.dirname(made)).toBe(path.resolve(folder));
    const number = String(known.length + 1).padStart(3, '0');
    expect(files()).toEqual([...known, `v${number}_add_nothing_at_all.ts`]);
    expect(readFileSync(made, 'utf8')).toContain('export const migration: Migration');
  } finally {
    if (path.dirname(made) === path.resolve(folder) && existsSync(made)) rmSync(made);
  }
});
