import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDatabaseUrl } from './url.ts';

describe('a database URL', () => {
  it.each<[string, string, string, number, string]>([
    ['postgresql://u:p@db:6543/app', 'postgresql', 'db', 6_543, 'app'],
    ['postgres://u:p@db/app', 'postgresql', 'db', 5_432, 'app'],
    ['postgresql+asyncpg://u:p@db:5432/app', 'postgresql', 'db', 5_432, 'app'],
    ['postgresql+psycopg2://db/app', 'postgresql', 'db', 5_432, 'app'],
    ['  PostgreSQL://u@DB.Example/app  ', 'postgresql', 'DB.Example', 5_432, 'app'],
    ['mysql://root@127.0.0.1/farm', 'mysql', '127.0.0.1', 3_306, 'farm'],
    ['mysql+asyncmy://u:p@db:3307/farm', 'mysql', 'db', 3_307, 'farm'],
    ['mysql+pymysql://u:p@db/farm?charset=utf8mb4', 'mysql', 'db', 3_306, 'farm'],
    ['mariadb://u:p@db/farm', 'mysql', 'db', 3_306, 'farm'],
    ['mariadb+asyncmy://u:p@db/farm', 'mysql', 'db', 3_306, 'farm'],
    ['postgresql://u:p@/app?host=/tmp/s&port=5433', 'postgresql', '/tmp/s', 5_433, 'app'],
    ['postgresql://u:p@[2001:db8::1]:5432/app', 'postgresql', '[2001:db8::1]', 5_432, 'app'],
    ['postgresql://u:p%40ss%2Fword@db/na%20me', 'postgresql', 'db', 5_432, 'na me'],
    ['postgresql://db', 'postgresql', 'db', 5_432, ''],
  ])('is understood: %s', (...[text, dialect, host, port, database]) => {
    const address = parseDatabaseUrl(text);
    expect({ ...address, url: undefined }).toEqual({ dialect, host, port, database, url: undefined });
    expect(address.url).toMatch(/^(postgresql|mysql):\/\//);
    expect(address.url).not.toContain('+');
  });

  it.each([
    '',
    'localhost/app',
    'sqlite:///tmp/x.db',
    'sqlserver://u:hunter2@db/app',
    'http://u:hunter2@db/app',
    'postgresql:/u:hunter2@db',
    'postgresql//u:hunter2@db',
    'postgresql://u:hunter2@db:port/app',
    'postgresql+://u:hunter2@db/app',
    'postgresql://u:hunter2@db:99999/app',
  ])('is refused without being shown: %j', (text) => {
    expect(() => parseDatabaseUrl(text)).toThrow(TypeError);
    expect(() => parseDatabaseUrl(text)).toThrow(/^expected a URL such as postgresql:/);
  });

  it('keeps its user and its password out of what logs may show, and out of every error', () => {
    const part = fc.stringMatching(/^[a-z0-9]{12,20}$/);
    const scheme = fc.constantFrom('postgresql', 'mysql+asyncmy', 'oracle', 'postgres+x', '');
    const rest = fc.constantFrom('@db:5432/app', '@db:x/app', '@/app?host=/tmp', '@[::1', '@db/%zz', '');
    fc.assert(
      fc.property(scheme, part, part, rest, (name, user, password, tail) => {
        let shown: unknown;
        try {
          const { url: _, ...safe } = parseDatabaseUrl(`${name}://${user}:${password}${tail}`);
          shown = safe;
        } catch (error) {
          shown = String(error) + String(error instanceof Error ? error.stack : '') + String((error as Error).cause);
        }
        expect(JSON.stringify(shown)).not.toContain(user);
        expect(JSON.stringify(shown)).not.toContain(password);
      }),
    );
  });
});
