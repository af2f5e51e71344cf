import { expect, test } from 'vitest';
import { type CouchConfig, couchAddressOf, withoutSecrets } from './couch-address.ts';

const word = ['p@ss', 'w/rd'].join('-');
const cases: readonly (readonly [CouchConfig, ReturnType<typeof couchAddressOf>])[] = [
  [{}, undefined],
  [{ COUCHDB_HOST: '', COUCHDB_URL: '', COUCHDB_USER: 'a' }, undefined],
  [{ COUCHDB_HOST: 'couchdb' }, { url: 'http://couchdb:5984' }],
  [
    { COUCHDB_HOST: 'couchdb', COUCHDB_PORT: 6_984, COUCHDB_USER: 'ana', COUCHDB_PASSWORD: word },
    { url: 'http://couchdb:6984', user: 'ana', password: word },
  ],
  [{ COUCHDB_HOST: '::1' }, { url: 'http://[::1]:5984' }],
  [
    { COUCHDB_URL: `https://ana:${encodeURIComponent(word)}@db.example/couch/`, COUCHDB_USER: 'other' },
    { url: 'https://db.example/couch', user: 'ana', password: word },
  ],
  [
    { COUCHDB_URL: 'http://db:5984', COUCHDB_HOST: 'other', COUCHDB_USER: 'ana', COUCHDB_PASSWORD: word },
    { url: 'http://db:5984', user: 'ana', password: word },
  ],
];

test.each(cases)('%j', (config, address) => {
  expect(couchAddressOf(config)).toEqual(address);
});

test('what is no address is refused without being repeated', () => {
  const hidden = encodeURIComponent(word);
  for (const COUCHDB_URL of [`ftp://ana:${hidden}@db`, `ana:${hidden}`, `http://ana:${hidden}@`]) {
    expect(() => couchAddressOf({ COUCHDB_URL })).toThrow(/^expected a URL such as [^-]+, or a host$/);
  }
});

test('a password is taken out of a text, as it is and as a URL holds it', () => {
  const text = `a ${word} b ${encodeURIComponent(word)}`;
  expect(withoutSecrets(text, { url: 'http://db', password: word })).toBe('a … b …');
});
