import * as argon2 from '@node-rs/argon2';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createPasswordHasher, type PasswordHasherOptions } from './passwords.ts';
import type { StoredPassword } from './stored-password.ts';

// The library does its real work; the spies only count how often it was asked.
vi.mock('@node-rs/argon2', { spy: true });

const floor = { memoryKiB: 19_456, passes: 2, lanes: 1 } as const;
const password = 'Caña brava 42';

/** Hashes of `password` that Python's hashlib and libxcrypt made. */
const legacy = {
  scrypt:
    'scrypt:32768:8:1$h7QpTzW2mXc9LbVa$98b44b992debcf13399076515029808cff9a505cba8269a528a763474f1a50c1526b08bd748053640ce0726ee6632362bdec9e54184f4ba771fa6232f8f7441f',
  sha256: 'pbkdf2:sha256:1000$k3YdRn8s$5e310daf75c227b79f377b16223880b84faff037d9c1e48a3f6ac38a5e2e3828',
  sha256Default: 'pbkdf2:sha256$k3YdRn8s$aacd3fb131c36b4b40bfc91000f31f4d6191ff6824f9bb768731f8956b5a920f',
  sha1: 'pbkdf2:sha1:1000$k3YdRn8s$871417838aa77bf11da9f698e079798490982460',
  sha512:
    'pbkdf2:sha512:1000$k3YdRn8s$0120926284078eb40490aa53f5fb111f8f95bc1a0c2d62cd6bb9cbe5064edf6348d5a83a075136a4f21bd934893b2ac740f6f76c3a5515268e0bf1f00b2927f6',
  bcrypt2a: '$2a$05$abcdefghijklmnopqrstuu9q8pB7pVaNR0Pt469LlWzMxsu5G9J12',
  bcrypt2b: '$2b$05$abcdefghijklmnopqrstuu9q8pB7pVaNR0Pt469LlWzMxsu5G9J12',
  bcrypt2y: '$2y$05$abcdefghijklmnopqrstuu9q8pB7pVaNR0Pt469LlWzMxsu5G9J12',
};

beforeEach(() => {
  vi.clearAllMocks();
});

function hasher(options: Partial<PasswordHasherOptions> = {}): ReturnType<typeof createPasswordHasher> {
  return createPasswordHasher({ ...floor, ...options });
}

describe('our own hashes', () => {
  it('are Argon2id in PHC form with the configured cost, and verify', async () => {
    const stored = await hasher().hash(password);
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(await hasher().verify(password, stored)).toEqual({ ok: true, needsRehash: false });
    expect(await hasher().verify('Cana brava 42', stored)).toEqual({ ok: false, needsRehash: false });
  });

  it('compare the password as it was sent: spaces, case and Unicode form count', async () => {
    const stored = await hasher().hash(password);
    for (const other of [` ${password}`, `${password} `, password.toUpperCase(), password.normalize('NFD')]) {
      expect(await hasher().verify(other, stored)).toEqual({ ok: false, needsRehash: false });
    }
  });

  it('are made again when the configured cost is another, and so are Argon2i and longer tags', async () => {
    const dearer = { memoryKiB: 19_456, passes: 3, lanes: 1 };
    const others = [
      await hasher(dearer).hash(password),
      await argon2.hash(password, { ...library(floor), algorithm: argon2iCode }),
      await argon2.hash(password, { ...library(floor), outputLen: 64 }),
    ];
    for (const stored of others) {
      expect(await hasher().verify(password, stored)).toEqual({ ok: true, needsRehash: true });
      expect(await hasher().verify('wrong', stored)).toEqual({ ok: false, needsRehash: false });
    }
  });
});

/** The library's number for Argon2i; its enum cannot be imported by a file that is only stripped of types. */
const argon2iCode = 1 as argon2.Algorithm;

function library({ memoryKiB, passes, lanes }: typeof floor): argon2.Options {
  return { memoryCost: memoryKiB, timeCost: passes, parallelism: lanes };
}

describe('hashes of earlier systems', () => {
  it.each(Object.entries(legacy))('%s verifies and asks to be made again', async (_, stored) => {
    expect(await hasher().verify(password, stored)).toEqual({ ok: true, needsRehash: true });
    expect(await hasher().verify('Caña brava 43', stored)).toEqual({ ok: false, needsRehash: false });
  });

  it('of bcrypt never match what bcrypt cannot compare whole', async () => {
    const of72 = '$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q';
    expect(await hasher().verify('x'.repeat(72), of72)).toEqual({ ok: true, needsRehash: true });
    expect(await hasher().verify('x'.repeat(73), of72)).toEqual({ ok: false, needsRehash: false });
    expect(await hasher().verify(`${password}\0${password}`, legacy.bcrypt2b)).toMatchObject({ ok: false });
  });

  it('of a format that one service alone knows are read by its own reader', async () => {
    const readOther = (stored: string): StoredPassword | undefined =>
      stored.startsWith('old:')
        ? { signature: 'old', matches: (given) => Promise.resolve(stored === `old:${given}`) }
        : undefined;
    expect(await hasher({ readOther }).verify(password, `old:${password}`)).toEqual({ ok: true, needsRehash: true });
    expect(await hasher({ readOther }).verify(password, 'old:other')).toEqual({ ok: false, needsRehash: false });
  });
});

const unusable: readonly (string | undefined)[] = [
  undefined,
  '',
  '!',
  'x',
  '$argon2id$',
  '$argon2id$v=19$m=19456,t=2,p=1$c2hvcnQ$c2hvcnQ',
  '$argon2id$v=19$m=4194304,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  '$argon2id$v=19$m=19456,t=4000000000,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  '$argon2id$v=19$m=19456,t=2,p=200$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  '$2b$31$abcdefghijklmnopqrstuu9q8pB7pVaNR0Pt469LlWzMxsu5G9J12',
  '$2b$05$tooshort',
  '$2x$05$abcdefghijklmnopqrstuu9q8pB7pVaNR0Pt469LlWzMxsu5G9J12',
  legacy.scrypt.replace('32768', '33554432'),
  legacy.scrypt.replace('32768', '32767'),
  legacy.scrypt.replace(':8:', ':0:'),
  legacy.scrypt.replace(':1$', ':9999$'),
  legacy.scrypt.slice(0, -1),
  legacy.sha256.replace(':1000', ':99999999'),
  legacy.sha256.replace(':1000', ':0'),
  legacy.sha256.replace('sha256', 'sha1'),
  legacy.sha256.replace('sha256', 'md5'),
  'a'.repeat(100_000),
];

describe('what costs nothing to find out', () => {
  it.each(unusable)('%s is no match and costs one of our hashes', async (stored) => {
    expect(await hasher().verify(password, stored)).toEqual({ ok: false, needsRehash: false });
    const asked = vi.mocked(argon2.verify).mock.calls.filter(([hashed]) => isAtTheFloor(hashed));
    expect(asked.length).toBeGreaterThanOrEqual(1);
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  it('a wrong password costs one of our hashes too, and a legacy hash one beside its own', async () => {
    const stored = await hasher().hash(password);
    for (const known of [stored, legacy.bcrypt2b, legacy.sha256]) {
      vi.clearAllMocks();
      await hasher().verify('wrong', known);
      expect(argon2.verify).toHaveBeenCalledTimes(1);
    }
    vi.clearAllMocks();
    await hasher().verify(password, legacy.bcrypt2b);
    expect(argon2.verify).toHaveBeenCalledTimes(1);
  });

  it('an empty password is hashed like any other, for a user and for none', async () => {
    const stored = await hasher().hash(password);
    for (const known of [stored, undefined, '']) {
      vi.clearAllMocks();
      expect(await hasher().verify('', known)).toMatchObject({ ok: false });
      expect(argon2.verify).toHaveBeenCalledTimes(1);
    }
  });

  it('with samples of other kinds, each failure costs one of every kind', async () => {
    const paid: string[] = [];
    const readOther = (stored: string): StoredPassword | undefined => {
      const [, kind] = /^kind-(\w+):/.exec(stored) ?? [];
      const matches = (given: string): Promise<boolean> => {
        paid.push(kind ?? '');
        return Promise.resolve(stored === `kind-${kind}:${given}`);
      };
      return kind === undefined ? undefined : { signature: kind, matches };
    };
    const equal = hasher({ readOther, equaliseWith: ['kind-a:', 'kind-b:'] });
    const ours = await equal.hash(password);
    for (const stored of [undefined, ours, 'kind-a:other', 'kind-b:other']) {
      paid.length = 0;
      vi.clearAllMocks();
      expect(await equal.verify('wrong', stored)).toMatchObject({ ok: false });
      expect(paid.toSorted()).toEqual(['a', 'b']);
      expect(argon2.verify).toHaveBeenCalledTimes(1);
    }
    paid.length = 0;
    expect(await equal.verify(password, ours)).toMatchObject({ ok: true });
    expect(paid).toEqual([]);
    expect(() => hasher({ equaliseWith: ['nonsense'] })).toThrow(RangeError);
  });
});

function isAtTheFloor(hashed: string | Uint8Array): boolean {
  return typeof hashed === 'string' && hashed.startsWith('$argon2id$v=19$m=19456,t=2,p=1$');
}

describe('what is refused', () => {
  it.each([
    [47_103, 1],
    [19_455, 2],
    [12_287, 3],
    [9_215, 4],
    [7_167, 5],
    [7_167, 9],
  ])('%d KiB at %d passes is below the floor, one more is not', (memoryKiB, passes) => {
    expect(() => hasher({ memoryKiB, passes })).toThrow(/OWASP floor/);
    expect(() => hasher({ memoryKiB: memoryKiB + 1, passes })).not.toThrow();
  });

  it.each([
    { memoryKiB: 300_000 },
    { passes: 17 },
    { lanes: 17 },
    { lanes: 0 },
    { passes: 1.5 },
    { memoryKiB: Number.NaN },
    { concurrencyMax: 0 },
    { queueMax: -1 },
    { waitMsMax: 0 },
  ])('%o is no configuration', (options) => {
    expect(() => hasher(options)).toThrow(RangeError);
  });

  it('a password over 4,096 bytes or with half a character, before any hashing', async () => {
    const stored = await hasher().hash(password);
    vi.clearAllMocks();
    for (const long of ['x'.repeat(1_048_576), 'ñ'.repeat(2_049), 'x'.repeat(4_097)]) {
      await expect(hasher().verify(long, stored)).rejects.toMatchObject({ code: 'password_too_long', status: 422 });
      await expect(hasher().hash(long)).rejects.toMatchObject({ code: 'password_too_long', status: 422 });
    }
    await expect(hasher().hash('half \ud83d')).rejects.toMatchObject({ code: 'password_not_text', status: 422 });
    expect(argon2.verify).not.toHaveBeenCalled();
    expect(argon2.hash).not.toHaveBeenCalled();
  });

  it('half a character is not taken for another half', async () => {
    const stored = await hasher().hash('half \ufffd');
    expect(await hasher().verify('half \ud83d', stored)).toMatchObject({ ok: false });
  });

  it('more than the queue holds, while those in it are served', async () => {
    const small = hasher({ concurrencyMax: 1, queueMax: 1, waitMsMax: 60_000 });
    const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd'].map((given) => small.verify(given, undefined)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    expect(outcomes[3]).toMatchObject({ reason: { code: 'hashing_overloaded', status: 503 } });
    expect(small.stats).toEqual({ running: 0, waiting: 0, finished: 2, refused: 2 });
  });
});
