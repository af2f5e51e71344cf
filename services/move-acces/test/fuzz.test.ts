import { type RealDatabaseCase, fuzzService, hostileExchanges, realDatabases } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueMoveAccesToken } from '../src/demo.ts';
import { type MoveAccesWorld, openMoveAccesWorld } from './move-acces-world.ts';

const roles = ['member', 'staff'] as const;
const longRunMs = 4 * 3_600_000;
const [, mariadb] = await realDatabases();
const engines: readonly (readonly [string, RealDatabaseCase | undefined])[] = [
  ['the embedded database', undefined],
  ...(mariadb && mariadb.unreachable === undefined ? [['MariaDB', mariadb] as const] : []),
];

describe.each(engines)('requests by chance, on %s', (_, real) => {
  let world: MoveAccesWorld;
  beforeAll(async () => {
    world = await openMoveAccesWorld({
      environment: { HASHING_QUEUE_MAX: '10000', ACCOUNT_FAILURES_PER_15MIN: '10000' },
      ...(real ? { real } : {}),
    });
  });
  afterAll(() => world.close());

  test('H10 L08 are answered by the contract, and leave the audit whole', { timeout: longRunMs }, async () => {
    const tokenOf = (role: string) => issueMoveAccesToken(world.moveAcces, { role });
    const report = await fuzzService({ baseUrl: world.baseUrl, roles, tokenOf });
    expect(report.faults.join('\n\n')).toBe('');
    const answersOf = (operation: string): string[] => Object.keys(report.statuses[operation] ?? {});
    expect(report.operations.filter((operation) => answersOf(operation).length === 0)).toEqual([]);
    const successful = report.operations.filter((each) => answersOf(each).some((status) => status.startsWith('2')));
    expect(successful.length / report.operations.length).toBeGreaterThan(0.6);
    await world.moveAcces.ledger.seal();
    const orphans = await world.sql(`select u.user_id from users u left join acces_app a on a.email = u.email
      where a.email is null`);
    expect(orphans).toEqual([]);
  });

  test('M01 M02 that are hardly HTTP are refused or cut off', async () => {
    const exchanges = await hostileExchanges(world.baseUrl);
    const faults = exchanges.flatMap(({ name, faults: found }) => found.map((fault) => `${name}: ${fault}`));
    expect(faults).toEqual([]);
    expect((await world.api('/health')).json()).toMatchObject({ status: 'healthy' });
  });
});
