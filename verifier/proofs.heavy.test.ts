import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCheckpoint, signCheckpoint } from '../platform/src/audit/signing.ts';
import { auditIds, type LedgerWorld, testSigner } from '../platform/src/audit/test/ledger-world.ts';
import { realDatabases } from '../platform/src/testing/index.ts';
import { inFolder, keptIn, laterSigner, openRichLedger, verifyOffline } from './test/offline.ts';
import { type CheckpointBody, checkpointBody, consistencyBody, inclusionBody } from './test/proof-bodies.ts';

type Json = null | string | number | JsonArray | JsonObject;
type JsonArray = readonly Json[];
interface JsonObject {
  readonly [member: string]: Json;
}
type Change = readonly [what: string, changed: unknown];

/** The body with one member changed, each in some ways; what the change was stands before it. */
function* changesOf(value: Json, where = ''): Generator<Change> {
  yield [`${where} left out`, undefined];
  for (const other of ['', 7, null, [], {}]) {
    // Null says that an opening was erased, which nobody can tell from one that is withheld.
    const isWithheld = other === null && where.startsWith('.openings.');
    const isSame = JSON.stringify(other) === JSON.stringify(value);
    if (!isWithheld && !isSame) yield [`${where} as ${JSON.stringify(other)}`, other];
  }
  yield* changesInside(value, where);
}

function* changesInside(value: Json, where: string): Generator<Change> {
  if (typeof value === 'number') {
    for (const more of [-1, 1, 0.5, 2 ** 53]) yield [`${where} + ${more}`, value + more];
  } else if (typeof value === 'string') {
    yield [`${where} and more`, `${value} `];
    for (const place of [0, Math.floor(value.length / 2), value.length - 2]) {
      const other = value[place] === 'B' ? 'C' : 'B';
      yield [`${where} at ${place}`, `${value.slice(0, place)}${other}${value.slice(place + 1)}`];
    }
  } else if (isArray(value)) {
    yield [`${where} without its last`, value.slice(0, -1)];
    yield [`${where} twice`, [...value, ...value]];
    for (const [place, item] of value.entries()) {
      for (const [what, changed] of changesOf(item, `${where}.${place}`))
        yield [what, Object.assign([...value], { [place]: changed })];
    }
  } else {
    for (const [member, inner] of Object.entries(value ?? {})) {
      for (const [what, changed] of changesOf(inner, `${where}.${member}`))
        yield [what, { ...value, [member]: changed }];
    }
  }
}

function isArray(value: Json): value is JsonArray {
  return Array.isArray(value);
}

async function expectEachChangeRefused(body: Json): Promise<void> {
  const refused: string[] = [];
  for (const [what, changed] of changesOf(body)) {
    if (!what.startsWith('.')) continue;
    // A key beside the one that has signed changes nothing.
    if (what === '.keys twice' || what === '.keys without its last') continue;
    const verdict = await verifyOffline(JSON.stringify(changed));
    expect({ what, isSound: verdict.isSound }).not.toEqual({ what, isSound: true });
    expect([1, 2]).toContain(verdict.status);
    expect(verdict.stderr).not.toMatch(/\n\s+at /);
    refused.push(what);
  }
  expect(refused.length).toBeGreaterThan(50);
}

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`proofs of ${real.name}`, () => {
    let world: LedgerWorld;
    beforeAll(async () => {
      world = await openRichLedger(real);
    });
    afterAll(() => world.close());

    it('hold for each row under each checkpoint that has it', async () => {
      const keys = [testSigner, laterSigner].flatMap(({ verifierKey }) => ['--key', verifierKey]);
      let proved = 0;
      for (const [place, id] of (await auditIds(world)).entries()) {
        const body = await inclusionBody(
          world,
          id,
          [9, 13, 15].find((size) => size > place + 1),
        );
        const verdict = await verifyOffline(JSON.stringify(body), ...keys);
        expect(verdict).toMatchObject({ status: 0, isSound: true, notes: [] });
        const isErased = body.openings.origin === null || body.openings.values === null;
        expect(verdict.summary.includes('erased or withheld')).toBe(isErased);
        proved += 1;
      }
      expect(proved).toBe(15);
    });

    it.each([7, 8, 9, 13, 15])('hold from %i rows to each later checkpoint', async (from) => {
      for (const to of [7, 8, 9, 13, 15].filter((size) => size >= from)) {
        const verdict = await verifyOffline(JSON.stringify(await consistencyBody(world, from, to)));
        expect(verdict).toMatchObject({ status: 0, isSound: true });
      }
    });

    it('are compared with the checkpoints that were kept', () =>
      inFolder(async (folder) => {
        const body = JSON.stringify(await inclusionBody(world, 3, 7));
        const notes = await world.notes();
        expect(await verifyOffline(body, ...(await keptIn(folder, notes)))).toMatchObject({ status: 0 });
        const others = notes.filter((note) => parseCheckpoint(note)?.size !== 7);
        expect(await verifyOffline(body, ...(await keptIn(folder, others)))).toMatchObject({
          status: 2,
          error: 'No kept checkpoint fits this proof',
        });
        const kept = parseCheckpoint(notes.at(-1) ?? '');
        if (!kept) throw new Error('There is no checkpoint');
        const { note } = signCheckpoint({ ...kept, root: Buffer.alloc(32) }, [testSigner]);
        expect(await verifyOffline(body, ...(await keptIn(folder, [note])))).toMatchObject({
          status: 1,
          fault: { kind: 'rewritten' },
        });
      }));

    it('are not taken from a key that is not trusted', async () => {
      const body = JSON.stringify(await inclusionBody(world, 3, 7));
      expect(await verifyOffline(body, '--key', laterSigner.verifierKey)).toMatchObject({
        status: 1,
        fault: {
          kind: 'checkpoint',
          message: 'The stated checkpoint of 7 rows is not signed by a key that can be trusted',
        },
      });
    });
  });
}

// What is answered is alike on all engines, so one is enough.
const [real] = (await realDatabases()).toSorted(
  (one, other) => Number(!!one.unreachable) - Number(!!other.unreachable),
);

describe.skipIf(real?.unreachable !== undefined)('proofs with a member changed', () => {
  let world: LedgerWorld;
  beforeAll(async () => {
    if (!real) throw new Error('There is no database to test on');
    world = await openRichLedger(real);
  });
  afterAll(() => world.close());

  it('are refused where they are of a row', async () => {
    await expectEachChangeRefused(await inclusionBody(world, 3, 7));
  });

  it('are refused where they are of two checkpoints', async () => {
    await expectEachChangeRefused(await consistencyBody(world, 7, 13));
  });
});

describe('the published vectors of RFC 6962', () => {
  /** google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc: roots by size, and consistency proofs. */
  const roots = new Map([
    [1, '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
    [2, 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
    [5, '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
    [6, '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'],
    [8, '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
  ]);
  const right = '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4';
  const second = '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e';
  const cases: readonly [number, number, readonly string[]][] = [
    [1, 1, []],
    [1, 8, ['96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7', second, right]],
    [
      6,
      8,
      [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [2, 5, [second, 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b']],
  ];

  const signedOf = (
    size: number,
    change: { readonly root?: Buffer; readonly origin?: string } = {},
  ): CheckpointBody => {
    const root = Buffer.from(roots.get(size) ?? '', 'hex');
    const checkpoint = { origin: 'vectors', size, root, time: '2013-06-01T00:00:00.000Z', number: size, ...change };
    return checkpointBody(signCheckpoint(checkpoint, [testSigner]));
  };
  const bodyOf = (from: CheckpointBody, to: CheckpointBody, hashes: readonly string[]): string => {
    const proof = hashes.map((hash) => Buffer.from(hash, 'hex').toString('base64'));
    return JSON.stringify({ from, to, proof, keys: [testSigner.verifierKey] });
  };
  const refused = { status: 1, fault: { kind: 'proof' } };

  it.each(cases)('lead from %i leaves to %i', async (from, to, proof) => {
    expect(await verifyOffline(bodyOf(signedOf(from), signedOf(to), proof))).toMatchObject({ status: 0 });
    const wrong = [proof.toReversed(), proof.slice(1), [...proof, right]].filter(
      (path) => JSON.stringify(path) !== JSON.stringify(proof),
    );
    for (const path of wrong) {
      expect(await verifyOffline(bodyOf(signedOf(from), signedOf(to), path))).toMatchObject(refused);
    }
  });

  it.each(cases)('lead from %i leaves to %i and nowhere else, although it was signed', async (from, to, proof) => {
    const other = { root: Buffer.alloc(32, 7) };
    const pairs: readonly (readonly [CheckpointBody, CheckpointBody])[] = [
      [signedOf(from, other), signedOf(to)],
      [signedOf(from), signedOf(to, other)],
      [signedOf(from), signedOf(to, { origin: 'another log' })],
      [signedOf(to, { origin: 'another log' }), signedOf(from)],
      [signedOf(8), signedOf(6)],
    ];
    for (const [older, newer] of pairs) {
      expect(await verifyOffline(bodyOf(older, newer, proof))).toMatchObject(refused);
    }
  });
});
