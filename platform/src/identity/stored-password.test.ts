import { describe, expect, it } from 'vitest';
import { argon2Signature, readStoredPassword, storedCostMax } from './stored-password.ts';

const salt = 'AAAAAAAAAAAAAAAAAAAAAA';
const tag = 'A'.repeat(43);
const bcryptRest = 'abcdefghijklmnopqrstuu9q8pB7pVaNR0Pt469LlWzMxsu5G9J12';
const argon2 = (memory: number, passes: number, lanes: number): string =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${lanes}$${salt}$${tag}`;
const scrypt = (cost: string): string => `scrypt:${cost}$salt$${'ab'.repeat(64)}`;
const pbkdf2 = (method: string, bytes = 32): string => `pbkdf2:${method}$salt$${'ab'.repeat(bytes)}`;

describe('a stored hash', () => {
  it.each([
    [argon2(19_456, 2, 1), argon2Signature({ memoryKiB: 19_456, passes: 2, lanes: 1 })],
    [argon2(storedCostMax.argon2MemoryKiB, 4, storedCostMax.argon2Lanes), 'argon2:2:1:16:32:262144:4:16'],
    [argon2(64, storedCostMax.argon2Passes, 1), 'argon2:2:1:16:32:64:16:1'],
    [argon2(19_456, 2, 1).replace('argon2id', 'argon2i'), 'argon2:1:1:16:32:19456:2:1'],
    [`$2b$04$${bcryptRest}`, 'bcrypt:4'],
    [`$2y$14$${bcryptRest}`, 'bcrypt:14'],
    [scrypt('32768:8:1'), 'scrypt:32768:8:1'],
    [scrypt('262144:8:1'), 'scrypt:262144:8:1'],
    [pbkdf2('sha256'), 'pbkdf2:sha256:600000'],
    [pbkdf2('sha256:2000000'), 'pbkdf2:sha256:2000000'],
    [pbkdf2('sha1:1', 20), 'pbkdf2:sha1:1'],
    [pbkdf2('sha512:1', 64), 'pbkdf2:sha512:1'],
  ])('%s is read, with what it costs', (stored, signature) => {
    expect(readStoredPassword(stored)?.signature).toBe(signature);
  });

  it.each([
    undefined,
    '',
    '!',
    '*',
    'password',
    argon2(262_145, 1, 1),
    argon2(262_144, 5, 1),
    argon2(64, 17, 1),
    argon2(19_456, 2, 17),
    argon2(19_456, 4_000_000_000, 1),
    `$2b$03$${bcryptRest}`,
    `$2b$15$${bcryptRest}`,
    `$2b$31$${bcryptRest}`,
    `$2x$05$${bcryptRest}`,
    `$2b$05$${bcryptRest}x`,
    `$2b$05$${bcryptRest.slice(1)}`,
    scrypt('524288:8:1'),
    scrypt('4194304:1:1'),
    scrypt('32768:8:9'),
    scrypt('32767:8:1'),
    scrypt('1:8:1'),
    scrypt('32768:0:1'),
    scrypt('32768:8:0'),
    scrypt('99999999:9999:9999'),
    scrypt('32768:8:1').slice(0, -1),
    scrypt('32768:8:1').replace('salt', ''),
    pbkdf2('sha256:0'),
    pbkdf2('sha256:2000001'),
    pbkdf2('sha256:99999999'),
    pbkdf2('sha256:1e3'),
    pbkdf2('sha256:1000', 31),
    pbkdf2('sha1:1000', 32),
    pbkdf2('md5:1000', 16),
    `${pbkdf2('sha256:1000')}${' '.repeat(storedCostMax.storedLength)}`,
  ])('%s is none that is checked', (stored) => {
    expect(readStoredPassword(stored)).toBeUndefined();
  });

  it('of scrypt is checked however small its cost', async () => {
    const smallest = scrypt('2:1:1');
    expect(await readStoredPassword(smallest)?.matches('anything')).toBe(false);
  });
});
