import { expect, test } from 'vitest';
import { rememberSecrets, secretIn } from './secret-watch.ts';

test.each([
  ['an access token', 'token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLXRleHQ'],
  ['a refresh token', `said qr_${'a'.repeat(43)}`],
  ['an Argon2 hash', '$argon2id$v=19$m=19456,t=2,p=1$abc$def'],
  ['a hash of the earlier system', 'scrypt:32768:8:1$salt$00ff'],
])('%s is found by its shape', (_, text) => {
  expect(secretIn(text)).toBeDefined();
});

test('a password is found wherever it stands, once it was sent', () => {
  expect(secretIn('{"x":"tulipan-morado-9"}')).toBeUndefined();
  rememberSecrets({ user: { new_password: 'tulipan-morado-9' } });
  expect(secretIn('{"x":"tulipan-morado-9"}')).toBe('tulipan-mora');
});

test('plain text holds none', () => {
  expect(secretIn('{"action":"create","amount":"12.50"}')).toBeUndefined();
});
