import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCommonPassword } from './common-passwords.ts';
import { checkNewPassword } from './password-rules.ts';

const types = (...given: Parameters<typeof checkNewPassword>): string[] =>
  checkNewPassword(...given).map(({ type }) => type);

describe('new passwords', () => {
  it.each([
    ['hlqkwpv', ['password_too_short']],
    ['hlqkwpvd', []],
    ['😀🙃😉🙈🐢🦊🐸', ['password_too_short']],
    ['😀🙃😉🙈🐢🦊🐸🌵', []],
    ['      😀 🙃 😉  ', []],
    ['lowercaseletters', []],
    ['x9'.repeat(129), ['password_too_long']],
    ['q'.repeat(1_048_576), ['password_too_long']],
    ['half of it \ud83d', ['password_not_text']],
    ['Password', ['password_too_common']],
    ['p@ssW0rd', ['password_too_common']],
    ['contraseña123', ['password_too_common']],
    ['Summer2024!', ['password_too_common']],
    ['12345678', ['password_too_common']],
    ['87654321', ['password_too_common']],
    ['qwertyuiop', ['password_too_common']],
    ['aaaaaaaaaaaa', ['password_too_common']],
    ['abcabcabc', ['password_too_common']],
    ['sunshineSunshine', ['password_too_common']],
    ['my password is long', []],
  ])('%s', (password, expected) => {
    expect(types(password)).toEqual(expected);
  });

  it('are as long as the service asks', () => {
    expect(types('fourteen chars', { lengthMin: 15 })).toEqual(['password_too_short']);
    expect(types('fifteen of them', { lengthMin: 15 })).toEqual([]);
    expect(types('fifteen of them', { lengthMax: 14 })).toEqual(['password_too_long']);
  });

  it("are not the owner's name or e-mail, whole and in any case", () => {
    const forbidden = ['AnaBelen', 'ana.belen@example.org'];
    for (const password of ['anabelen', 'ANA.BELEN@EXAMPLE.ORG', 'ana.belen']) {
      expect(types(password, { forbidden })).toEqual(['password_is_identifier']);
    }
    expect(types('anabelen on a hill', { forbidden })).toEqual([]);
  });

  it('have their faults at the place that the service names, and never in the sentence', () => {
    const faults = checkNewPassword('iloveyou', { loc: ['body', 'new_password'] });
    expect(faults).toEqual([
      {
        loc: ['body', 'new_password'],
        msg: 'The password is on the list of the most common ones',
        type: 'password_too_common',
      },
    ]);
  });
});

describe('the list of common passwords', () => {
  it('holds what people choose first', () => {
    const chosen = `123456789 password1 iloveyou princess1 rockyou qwerty123 abc12345 monkey12 letmein1 dragon123
      football1 baseball1 sunshine1 superman1 michael1 trustno1 welcome1 admin123 passw0rd starwars 1q2w3e4r 1qaz2wsx
      zaq12wsx asdfghjkl zxcvbnm1 qazwsxedc bienvenido1 tequiero1 motdepasse soleil123 bonjour1 azertyuiop changeme
      Welcome2025 Mexico2024! Admin@123 P4ssw0rd! 11111111 00000000 147258369 123123123 password123456`;
    const missing = chosen.split(/\s+/).filter((password) => !isCommonPassword(password));
    expect(missing).toEqual([]);
  });

  it('does not hold chance', () => {
    const letter = fc.constantFrom(...'bcdfghjklmnpqrstvwxz23456789'.split(''));
    const chance = fc.array(letter, { minLength: 14, maxLength: 40 }).map((letters) => letters.join(''));
    fc.assert(
      fc.property(chance, (password) => {
        expect(isCommonPassword(password) && new Set(password).size > 4).toBe(false);
      }),
    );
  });
});
