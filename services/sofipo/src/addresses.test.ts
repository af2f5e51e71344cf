import { readConfig } from '@quinta/platform/config';
import { describe, expect, it } from 'vitest';
import { databaseUrlOf, replicaUrlOf } from './addresses.ts';
import { checkSofipoConfig } from './check-config.ts';
import { sofipoSettings } from './settings.ts';

const read = (environment: Readonly<Record<string, string>>) => readConfig('sofipo', sofipoSettings, environment);
const parts = { POSTGRES_HOST: 'primary', POSTGRES_USER: 'ana', POSTGRES_PASSWORD: 'a:b/c', POSTGRES_DB: 'loans' };
const primary = 'postgresql://ana:a%3Ab%2Fc@primary:5432/loans';

describe('where the databases are', () => {
  it.each<[string, Record<string, string>, string | undefined, string | undefined]>([
    ['nothing: the embedded one, without a replica', {}, undefined, undefined],
    ['the parts of the primary alone', parts, primary, undefined],
    [
      'the host of a replica: user, password and name are the primary’s',
      // What the replica itself streams as has no say in it.
      { ...parts, POSTGRES_REPLICA_HOST: 'replica', POSTGRES_REPLICA_USER: 'replicator' },
      primary,
      'postgresql://ana:a%3Ab%2Fc@replica:5432/loans',
    ],
    [
      'a port of the replica',
      { ...parts, POSTGRES_REPLICA_HOST: 'replica', POSTGRES_REPLICA_PORT: '5433' },
      primary,
      'postgresql://ana:a%3Ab%2Fc@replica:5433/loans',
    ],
    [
      'a URL of the replica, which wins over its parts',
      { ...parts, POSTGRES_REPLICA_HOST: 'replica', DATABASE_REPLICA_URL: 'postgresql://r@elsewhere/loans' },
      primary,
      'postgresql://r@elsewhere/loans',
    ],
  ])('%s', (_, environment, database, replica) => {
    const config = read(environment);
    expect([databaseUrlOf(config), replicaUrlOf(config)]).toEqual([database, replica]);
  });

  const where = { isProduction: false, dataDirectory: '' };
  const url = 'postgresql://ana@primary/loans';
  it.each<[string, Record<string, string>]>([
    ['POSTGRES_REPLICA_HOST goes with POSTGRES_HOST', { POSTGRES_REPLICA_HOST: 'replica' }],
    ['beside DATABASE_URL set DATABASE_REPLICA_URL', { DATABASE_URL: url, POSTGRES_REPLICA_HOST: 'replica' }],
    ['beside DATABASE_URL', { ...parts, DATABASE_URL: url, POSTGRES_REPLICA_HOST: 'replica' }],
    ['an embedded database has no replica', { DATABASE_REPLICA_URL: url }],
  ])('refuses a replica without its primary: %s', (sentence, environment) => {
    expect(() => checkSofipoConfig(read(environment), where)).toThrow(sentence);
  });

  it('takes a replica beside either form of the primary', () => {
    expect(() => checkSofipoConfig(read({ ...parts, POSTGRES_REPLICA_HOST: 'replica' }), where)).not.toThrow();
    const both = { DATABASE_URL: url, DATABASE_REPLICA_URL: 'postgresql://ana@replica/loans' };
    expect(() => checkSofipoConfig(read(both), where)).not.toThrow();
  });
});
