import { spawnSync } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testSigner, type LedgerWorld } from '../platform/src/audit/test/ledger-world.ts';
import { realDatabases } from '../platform/src/testing/index.ts';
import { bundleOf, inFolder, openRichLedger, runVerifier, verifier, verifyOffline } from './test/offline.ts';
import { consistencyBody, inclusionBody } from './test/proof-bodies.ts';

const header = JSON.stringify({
  format: 'quinta-audit-bundle',
  version: 1,
  origin: 'quinta/test/1',
  size: 1,
  keys: [testSigner.verifierKey],
});

const mebibyte = 2 ** 20;
const noBundle = 'This is neither a bundle (version 1) nor a proof, on its first line';
const noRow = 'What stands as leaf 0 is no row of the audit';

/** What may come instead of a bundle or a proof: the exit code and the words for each. */
const hostile: readonly (readonly [what: string, input: string | Buffer, status: number, message: string])[] = [
  ['nothing', '', 2, 'The file is empty'],
  ['an empty line', '\n', 2, noBundle],
  ['no JSON', '{"format": quinta', 2, noBundle],
  ['a number', '7', 2, noBundle],
  ['null', 'null', 2, noBundle],
  ['an array', '[]', 2, noBundle],
  ['random bytes', Buffer.from([0xff, 0xfe, 0, 1, 2, 0x80]), 2, noBundle],
  ['a bundle of another version', header.replace('"version":1', '"version":2'), 2, noBundle],
  ['a line without an end', `${header}\n${'x'.repeat(18 * mebibyte)}`, 2, 'A line is longer than 16777216 bytes'],
  ['deep arrays', `${header}\n${'['.repeat(mebibyte)}`, 1, noRow],
  ['a row that is no JSON', `${header}\n{"leaf":0`, 1, noRow],
  [
    'a row that is not UTF-8',
    Buffer.from(`${header}\n{"leaf":0,"row":{"id":"1"},"hash":"\u00ff"}`, 'latin1'),
    1,
    noRow,
  ],
  ['a row of another type', `${header}\n{"leaf":0,"row":[1]}`, 1, noRow],
  ['a row with a name of the prototype', `${header}\n{"__proto__":{"row":{"id":"1"}},"leaf":0}`, 1, noRow],
  ['a negative id', `${header}\n{"leaf":0,"row":{"id":"-1"}}`, 1, noRow],
  ['an id beyond numbers', `${header}\n{"leaf":0,"row":{"id":"99999999999999999999"}}`, 1, noRow],
  ['a huge leaf', `${header}\n{"leaf":1e300,"row":{"id":"1"}}`, 1, 'Row 1 stands as leaf 0, and is another'],
  ['a checkpoint that is none', `${header}\n{"checkpoint":{}}`, 1, 'A stored checkpoint is no signed note'],
  ['keys that are none', header.replace(testSigner.verifierKey, 'x'), 1, 'This is no Ed25519 verifier key: x'],
  ['a key with non-canonical base64', header.replace('ATWo', 'A!Wo'), 1, 'This is no Ed25519 verifier key'],
  ['a proof of nothing', '{"proof":null}', 1, 'A stated checkpoint is no signed note'],
  ['a proof with a hash that is none', '{"proof":["AA"]}', 1, 'This is no hash: AA'],
  ['a terminal driven', '{"proof":["\\u001b[2J\\u0007"]}', 1, 'This is no hash: '],
  ['a message of two lines', '{"proof":["a\\nb"]}', 1, 'This is no hash: a b'],
  ['a consistency of nothing', '{"from":null,"proof":[]}', 1, 'A stated checkpoint is no signed note'],
];

describe('the command', () => {
  it.each(hostile)('says what is wrong with %s', async (_, input, status, message) => {
    const verdict = await runVerifier(input, '-');
    const said = verdict.stdout + verdict.stderr;
    expect({ status: verdict.status, said }).toEqual({ status, said: expect.stringContaining(message) as string });
    expect(said.trimEnd()).not.toMatch(/\p{C}/u);
    const json = await verifyOffline(input);
    expect(json).toMatchObject({ status, isSound: status === 1 ? false : null });
  });

  const key = testSigner.verifierKey;
  it.each<readonly [string, readonly string[], string]>([
    ['no file', [], 'Give one file'],
    ['two files', ['a', 'b'], 'Give one file'],
    ['an unknown option', ['--trust', 'a'], "Unknown option '--trust'"],
    ['a file that is not there', ['/nowhere/bundle'], 'no such file'],
    ['a folder', ['/'], 'directory'],
    ['a key that is none', ['--key', `${key}x`, 'a'], 'This is no Ed25519 verifier key'],
    ['a checkpoint that is not there', ['--checkpoint', '/nowhere/note', '-'], 'no such file'],
    ['a checkpoint that is none', ['--checkpoint', verifier, '-'], 'A kept checkpoint is no signed note'],
  ])('refuses %s', async (_, options, message) => {
    const { status, stdout, stderr } = await runVerifier('', ...options);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('helps', async () => {
    const { status, stdout } = await runVerifier('', '--help');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Usage: node verify-audit.mjs \[options\] <file>\n[^]*--checkpoint[^]*Exit code: 0/);
  });

  it('is one file under 300 lines that needs nothing but Node', async () => {
    const code = await readFile(verifier, 'utf8');
    expect(code.trimEnd().split('\n').length).toBeLessThan(300);
    const imported = [...code.matchAll(/\bfrom\s+'([^']+)'|\bimport\(|\brequire\(/g)].map(([, name]) => name);
    expect(imported).toEqual(['node:crypto', 'node:fs', 'node:util']);
  });
});

// One engine is enough: bundle.heavy.test.ts has both.
const [real] = (await realDatabases()).toSorted(
  (one, other) => Number(!!one.unreachable) - Number(!!other.unreachable),
);

describe.skipIf(real?.unreachable !== undefined)('with a ledger', () => {
  let world: LedgerWorld;
  beforeAll(async () => {
    if (!real) throw new Error('There is no database to test on');
    world = await openRichLedger(real);
  });
  afterAll(() => world.close());

  it('does what README.md says', () =>
    inFolder(async (folder) => {
      const readme = await readFile(path.join(import.meta.dirname, 'README.md'), 'utf8');
      const commands = (/```sh\n([^]*?)```/.exec(readme)?.[1] ?? '').trim().split('\n');
      expect(commands).toHaveLength(4);
      const notes = await world.notes();
      const files = {
        'bundle.jsonl': await bundleOf(world),
        'checkpoints.txt': notes.join('\n'),
        'proof.json': JSON.stringify(await inclusionBody(world, 3, 7)),
        'consistency.json': JSON.stringify(await consistencyBody(world, 7, 9)),
      };
      for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
      await copyFile(verifier, path.join(folder, 'verify-audit.mjs'));
      for (const command of commands) {
        const env = { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin`, KEY: testSigner.verifierKey };
        const ran = spawnSync('sh', ['-c', command], { cwd: folder, env, encoding: 'utf8' });
        expect({ command, ...ran }).toMatchObject({ command, status: 0, stderr: '' });
        expect(ran.stdout).toMatch(/^Sound: |"isSound":true/);
      }
    }));

  it('needs no crypto.hash, which older versions of Node lack', async () => {
    const without =
      'data:text/javascript,import crypto from "node:crypto"; delete crypto.hash; console.error(crypto.hash)';
    const input = await bundleOf(world);
    const ran = spawnSync(process.execPath, ['--import', without, verifier, '-'], { input, encoding: 'utf8' });
    expect(ran).toMatchObject({ status: 0, stderr: 'undefined\n' });
    expect(ran.stdout).toMatch(/^Sound: 15 rows/);
  });
});
