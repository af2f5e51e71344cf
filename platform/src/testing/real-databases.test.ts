import { describe, expect, it, vi } from 'vitest';
import { connect } from '../database/migrations/connection.ts';
import { MigrationError } from '../database/migrations/migration-error.ts';
import { realDatabases } from './real-databases.ts';

const nobodyThere = 'mysql://root@127.0.0.1:1/mysql';

describe('real databases', () => {
  it('are one of each engine, in an order that holds', async () => {
    const cases = await realDatabases();
    expect(cases.map((real) => real.dialect.name)).toEqual(['postgresql', 'mysql']);
  });

  it('are marked with the reason where the server does not answer', async () => {
    vi.stubEnv('QUINTA_TEST_MYSQL_URL', nobodyThere);
    vi.stubEnv('QUINTA_TEST_REQUIRE_REAL', '');
    const printed = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const real = (await realDatabases())[1];
    const lines = printed.mock.calls.map(([text]) => String(text));
    printed.mockRestore();
    expect(lines.join('')).toMatch(/^Tests on mysql are skipped: .*set QUINTA_TEST_MYSQL_URL/);
    expect(real?.unreachable).toContain('127.0.0.1:1');
    expect(real?.name).toMatch(/^mysql \(skipped: .*ECONNREFUSED/);
  });

  it('are an error where they are required', async () => {
    vi.stubEnv('QUINTA_TEST_MYSQL_URL', nobodyThere);
    vi.stubEnv('QUINTA_TEST_REQUIRE_REAL', '1');
    await expect(realDatabases()).rejects.toThrow('set QUINTA_TEST_MYSQL_URL');
  });
});

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`a database to be thrown away on ${real.name}`, () => {
    it('is empty, of its own, and gone afterwards even while somebody is connected', async () => {
      const [one, other] = [await real.createDatabase(), await real.createDatabase()];
      const connection = await connect(one);
      await connection.run('create table mine (id integer)');
      const neighbour = await connect(other);
      expect(await neighbour.hasTable('mine')).toBe(false);
      await neighbour.close();
      await Promise.all([one.drop(), other.drop()]);
      await expect(connect(one)).rejects.toThrow(MigrationError);
      await connection.close().catch(() => undefined); // its server side has ended
    });
  });
}
