import { describe, expect, test } from 'vitest';
import { describeFault, parseRedisUrl } from './redis-url.ts';

describe('a Redis URL', () => {
  test.each([
    ['redis://localhost', { host: 'localhost', port: 6379, db: 0, isTls: false }],
    ['redis://cache:6380/2', { host: 'cache', port: 6380, db: 2, isTls: false }],
    ['redis://cache?db=4', { host: 'cache', port: 6379, db: 4, isTls: false }],
    ['rediss://u:p%40ss@cache/1', { host: 'cache', port: 6379, db: 1, isTls: true, username: 'u', password: 'p@ss' }],
    ['redis://:secret@[::1]:7000', { host: '::1', port: 7000, db: 0, isTls: false, password: 'secret' }],
    ['unix:///run/redis.sock?db=5', { host: 'localhost', port: 6379, db: 5, isTls: false, path: '/run/redis.sock' }],
    ['redis://h?enableOfflineQueue=true', { host: 'h', port: 6379, db: 0, isTls: false }],
  ])('%s', (text, address) => {
    expect(parseRedisUrl(text)).toEqual(address);
  });

  test.each(['', 'localhost:6379', 'http://u:secret@cache', 'redis://:secret@cache/x', 'redis://:secret@ho st'])(
    'refuses "%s" without repeating it',
    (text) => {
      const parse = (): unknown => parseRedisUrl(text);
      expect(parse).toThrow(RangeError);
      expect(parse).not.toThrow(/secret/);
    },
  );
});

describe('the text of a fault', () => {
  const address = parseRedisUrl('redis://clerk:hunter22@cache');
  const fault = (message: string, more: object = {}): Error => Object.assign(new Error(message), more);

  test.each([
    [fault('WRONGPASS invalid username-password pair'), 'WRONGPASS invalid username-password pair'],
    [fault("ERR unknown command 'AUTH', with args beginning with: 'clerk' 'hunter22'"), "ERR unknown command 'AUTH'"],
    [fault('ERR cannot sign in clerk with hunter22'), 'ERR cannot sign in … with …'],
    [fault('', { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    ['a text', 'unknown fault'],
  ])('%s', (error, text) => {
    expect(describeFault(error, address)).toBe(text);
  });
});
