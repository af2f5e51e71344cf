import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSecretKey, maskText } from './secrets.ts';

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg';

test.each([
  'password',
  'password_hash',
  'passwordHash',
  'PASSWORD',
  'newPassword',
  'DATABASE_PASSWORD',
  'token',
  'access_token',
  'accessToken',
  'refresh-token',
  'tokens',
  'tokenHash',
  'csrfToken',
  'authorization',
  'Proxy-Authorization',
  'cookie',
  'set-cookie',
  'setCookie',
  'secret',
  'JWT_SECRET',
  'client_secret',
  'api_key',
  'apiKey',
  'X-API-Key',
  'private_key',
  'jwt',
  'salt',
  'contraseña',
  'mot_de_passe',
  'pin',
])('%s is a secret', (key) => {
  expect(isSecretKey(key)).toBe(true);
});

test.each([
  'request_id',
  'token_type',
  'tokens_used',
  'user_id',
  'idempotency_key',
  'path',
  'operation',
  'shipping',
  'author',
  'key',
])('%s is none', (key) => {
  expect(isSecretKey(key)).toBe(false);
});

test.each([
  [`GET /x?next=1 with ${jwt} in it`, 'GET /x?next=1 with [redacted] in it'],
  [`cut off: ${jwt.slice(0, 15)}`, 'cut off: [redacted]'],
  ['Authorization: Bearer abc.def-123, next', 'Authorization: Bearer [redacted], next'],
  ['bearer abc', 'bearer [redacted]'],
  ['connect postgres://mexa_user:mexa_pass@db:5432/mexa', 'connect postgres://mexa_user:[redacted]@db:5432/mexa'],
  ['/socket?access_token=abc&room=1', '/socket?access_token=[redacted]&room=1'],
  ['body {"user":"ana","password":"hunter2"}', 'body {"user":"ana","password":"[redacted]"}'],
  [String.raw`body {\"password\": \"hunter2\"}`, String.raw`body {\"password\": \"[redacted]"}`],
])('masks %s', (text, masked) => {
  expect(maskText(text)).toBe(masked);
});

test.each([
  'http://localhost:8000/users/@me',
  '/api/v1/vales?page=2',
  'Mozilla/5.0 (X11; Linux x86_64)',
  'a secret place',
  'eyJ',
])('leaves %s alone', (text) => {
  expect(maskText(text)).toBe(text);
});

test('no part of a token is left, whatever stands around it', () => {
  const base64url = fc
    .uint8Array({ minLength: 12, maxLength: 45 })
    .map((bytes) => Buffer.from(bytes).toString('base64url'));
  fc.assert(
    fc.property(
      fc.string(),
      fc.tuple(base64url, base64url, base64url),
      fc.string(),
      (before, [header, payload, signature], after) => {
        const masked = maskText(`${before}eyJ${header}.eyJ${payload}.${signature} ${after}`);
        expect(masked.slice(0, masked.length - after.length)).not.toContain(payload);
        expect(masked.slice(0, masked.length - after.length)).not.toContain(signature);
      },
    ),
  );
});

test.each(['eyJ', 'bearer ', '://a:', 'token=', 'token" : "', 'a-', 'eyJaaaaaaaaaa.', '"password": '])(
  'a text of nothing but "%s" is got through',
  (part) => {
    expect(typeof maskText(part.repeat(8192 / part.length))).toBe('string');
  },
);
