import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type EmbeddedServer, holdEmbeddedServer, writeStatement } from '@quinta/platform/database';
import { silentLog } from '@quinta/platform/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertEnded, openPlace, type Outcome, type Place } from './place.ts';
import { embeddedUrl, onDatabase, rowsOf } from './rows.ts';

let place: Place;
let held: EmbeddedServer;
let url: string;

beforeAll(async () => {
  place = openPlace();
  held = await holdEmbeddedServer({ dataDirectory: place.folder, log: silentLog });
  assertEnded(await place.run(['seed']), 0);
  url = await embeddedUrl(place, '--admin');
});
afterAll(async () => {
  await held.release();
  await place.close();
});

interface AuditRow {
  readonly id: number;
  readonly action: string;
  readonly resource_type: string;
  readonly created_at: string;
}

function exported(...options: string[]): Promise<Outcome> {
  return place.run(['audit', 'export', 'mexa', ...options]);
}

function linesOf(text: string): readonly AuditRow[] {
  return text.trim() === ''
    ? []
    : text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as AuditRow);
}

/** Ids of audit rows, newest first, as the database has them. */
async function idsWhere(condition: string): Promise<readonly number[]> {
  const sql = `select id from audit_logs where ${condition} order by id desc`;
  const rows = await onDatabase(url, (database) => rowsOf<{ id: number }>(database, sql));
  return rows.map(({ id }) => id);
}

test('the export is complete, newest first, and is audited itself', async () => {
  const before = await idsWhere('true');
  const outcome = await exported();
  assertEnded(outcome, 0);
  const ids = linesOf(outcome.stdout).map(({ id }) => id);
  expect(ids.filter((id) => before.includes(id))).toEqual(before);
  expect(outcome.stderr).toContain(`${ids.length} audit rows exported`);
  const after = await idsWhere("action = 'export'");
  expect(after).toHaveLength(1);
});

test('filters narrow it: action, resource, from and to', async () => {
  const created = await exported('--action', 'create', '--resource', 'vale');
  expect(linesOf(created.stdout).map(({ id }) => id)).toEqual(
    await idsWhere("action = 'create' and resource_type = 'vale'"),
  );
  expect(linesOf(created.stdout)).toHaveLength(42);
  const rows = linesOf((await exported('--action', 'redeem')).stdout);
  const middle = rows[Math.floor(rows.length / 2)]?.created_at ?? '';
  const since = linesOf((await exported('--action', 'redeem', '--from', middle)).stdout);
  const until = linesOf((await exported('--action', 'redeem', '--to', middle)).stdout);
  // `from` counts and `to` does not: every row is in exactly one of them.
  expect([...since, ...until].map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
  expect(since.length).toBeGreaterThan(0);
  expect(until.length).toBeGreaterThan(0);
  expect((await exported('--from', '2999-01-01')).stdout).toBe('');
});

test('--output writes a file for its owner alone, which appears whole', async () => {
  const file = path.join(place.folder, 'audit.csv');
  const outcome = await exported('--format', 'csv', '--output', file, '--action', 'create', '--resource', 'vale');
  expect(outcome).toMatchObject({ status: 0, stdout: '' });
  const lines = readFileSync(file, 'utf8').trimEnd().split(/\r?\n/);
  expect(lines[0]?.split(',')).toEqual(
    expect.arrayContaining(['id', 'request_id', 'action', 'old_values', 'new_values']),
  );
  expect(lines).toHaveLength(43);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(existsSync(`${file}.part`)).toBe(false);
});

test('an export that fails leaves the file of before as it was, and no half of a new one', async () => {
  const file = path.join(place.folder, 'kept.jsonl');
  writeFileSync(file, 'as it was\n');
  await onDatabase(url, (database) =>
    database.transact(async (tx) => {
      await tx.run(writeStatement('test.lock', 'lock table audit_logs in access exclusive mode'), []);
      const outcome = await place.run(['audit', 'export', 'mexa', '--output', file], {
        variables: { DATABASE_LOCK_TIMEOUT_MS: '100' },
      });
      expect(outcome.status).toBe(1);
      expect(outcome.stderr).toContain('did not answer in time');
    }),
  );
  expect(readFileSync(file, 'utf8')).toBe('as it was\n');
  expect(existsSync(`${file}.part`)).toBe(false);
});

test('a file that cannot be written is told in a sentence', async () => {
  const file = path.join(place.folder, 'no', 'such', 'folder.jsonl');
  const outcome = await exported('--output', file);
  expect(outcome.status).toBe(1);
  expect(outcome.stderr).toContain(file);
  expect(outcome.stderr).not.toContain('    at ');
});
