import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type EmbeddedServer, holdEmbeddedServer } from '@quinta/platform/database';
import { silentLog } from '@quinta/platform/kernel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertEnded, openPlace, type Outcome, type Place } from './place.ts';
import { embeddedUrl, execute, onDatabase, rowsOf } from './rows.ts';

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

const audit = (...words: string[]): Promise<Outcome> => place.run(['audit', ...words]);

async function as<T>(outcome: Promise<Outcome>): Promise<T> {
  const ended = await outcome;
  assertEnded(ended, 0);
  return JSON.parse(ended.stdout) as T;
}

const change = (text: string): Promise<void> => onDatabase(url, (database) => execute(database, [text]));

describe('quinta audit', () => {
  test('checkpoint seals and prints what is kept elsewhere, and the key that verifies it', async () => {
    const note = await audit('checkpoint', 'mexa');
    assertEnded(note, 0);
    expect(note.stdout).toMatch(
      /^quinta\/mexa\/[-0-9a-f]{36}\n\d+\n[\w+/]{43}=\ntime .*\nnumber 1\nkey quinta-audit-mexa\+.*\n\n— quinta-audit-mexa /u,
    );
    const key = (await audit('checkpoint', 'mexa', '--key')).stdout.trim();
    expect(key).toMatch(/^quinta-audit-mexa\+[0-9a-f]{8}\+/);
    expect(await as(audit('checkpoint', 'mexa', '--json'))).toMatchObject({ keys: [key] });
    writeFileSync(path.join(place.folder, 'kept.txt'), note.stdout);
  });

  test('verify finds everything sound, against what was kept too', async () => {
    const key = (await audit('checkpoint', 'mexa', '--key')).stdout.trim();
    const kept = path.join(place.folder, 'kept.txt');
    const sound = await audit('verify', 'mexa', '--checkpoint', kept, '--key', key);
    assertEnded(sound, 0);
    expect(sound.stdout).toMatch(/^Sound: \d+ rows of quinta\/mexa\/.* in \d+ checkpoints/);
    expect(await as(audit('verify', 'mexa', '--json'))).toMatchObject({ sound: true, fault: null, unsealed: 0 });
    const strange = await audit('verify', 'mexa', '--key', key.replace('mexa', 'other'));
    expect(strange.status).toBe(1);
  });

  test('proof prints what the route answers, and is audited', async () => {
    const proof = await as<{ entry: string; proof: string[] }>(audit('proof', 'mexa', '3'));
    expect(JSON.parse(proof.entry)).toMatchObject({ id: '3' });
    const reads = await onDatabase(url, (database) =>
      rowsOf<{ details: unknown }>(database, "select details from audit_logs where action = 'read' and method = 'CLI'"),
    );
    expect(reads).toEqual([{ details: { id: 3, proof: true } }]);
    const missing = await audit('proof', 'mexa', '2000000');
    expect([missing.status, missing.stderr.trim()]).toEqual([1, 'There is no audit row 2000000.']);
  });

  test('export --format bundle writes the whole log with its proof', async () => {
    const file = path.join(place.folder, 'audit.bundle');
    assertEnded(await audit('export', 'mexa', '--format', 'bundle', '--output', file), 0);
    const [header = '', ...lines] = readFileSync(file, 'utf8').trim().split('\n');
    expect(JSON.parse(header)).toMatchObject({ format: 'quinta-audit-bundle', version: 1 });
    const { size } = JSON.parse(header) as { size: number };
    expect(lines.filter((line) => line.startsWith('{"leaf"'))).toHaveLength(size);
    expect(lines.at(-1)).toMatch(/^\{"checkpoint":/);
  });

  test('erase says what it would do, does it with --yes, and everything stays provable', async () => {
    const rows = 'select count(*)::int as rows from audit_logs where user_id = 1 and ip_address is not null';
    const count = async (): Promise<number> =>
      (await onDatabase(url, (database) => rowsOf<{ rows: number }>(database, rows)))[0]?.rows ?? -1;
    await change('update usuarios set updated_at = localtimestamp where id = 1');
    await change(
      `insert into audit_logs (request_id, user_id, action, resource_type, ip_address, user_agent)
       values (gen_random_uuid(), 1, 'logout', 'usuario', '203.0.113.9', 'a program')`,
    );
    const before = await count();
    expect(before).toBeGreaterThan(0);
    const order = ['erase', 'mexa', '--user', '1', '--reason', 'asked for it on paper'];
    expect((await audit(...order)).stdout).toContain('Add --yes to do it');
    expect(await count()).toBe(before);
    const done = await audit(...order, '--yes');
    assertEnded(done, 0);
    expect(done.stdout).toMatch(/^Erased from \d+ parts of audit rows; audit row \d+ says why/);
    expect(await count()).toBe(0);
    const kept = path.join(place.folder, 'kept.txt');
    expect(existsSync(kept)).toBe(true);
    assertEnded(await audit('verify', 'mexa', '--checkpoint', kept), 0);
  });

  test('verify names the first row that was edited, with exit status 1', async () => {
    await change('alter table audit_logs disable trigger user');
    await change("update audit_logs set action = 'nothing' where id in (5, 9)");
    const verdict = await audit('verify', 'mexa');
    expect(verdict.status).toBe(1);
    expect(verdict.stdout).toMatch(/^NOT SOUND: Row 5 is not what was sealed/);
    const json = await audit('verify', 'mexa', '--json');
    expect(json.status).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ sound: false, fault: { kind: 'edited', audit_log_id: 5 } });
  });

  test.each([
    [['verify', 'nobody'], 'There is no service "nobody"'],
    [['verify', 'mexa', '--checkpoint', '/nowhere/at/all'], 'cannot be read'],
    [['proof', 'mexa', 'x'], '<id> is "x", but should be a whole number from 1'],
    [['proof', 'mexa', '1', '--size', '-1'], '--size is "-1"'],
    [['erase', 'mexa', '--user', 'ana', '--reason', 'x'], '--user is "ana"'],
    [['export', 'mexa', '--format', 'bundle', '--action', 'create'], 'A bundle is the whole log'],
  ])('%j is wrong usage', async (words, message) => {
    const outcome = await audit(...words);
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toContain(message);
  });
});
