import type { DialectName } from './dialect.ts';

/** Where a database is, as its URL says. */
export interface DatabaseAddress {
  readonly dialect: DialectName;
  /** The URL with a scheme that the engine's own tools understand. */
  readonly url: string;
  /** Host, port and name without user or password, for logs and health. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
}

const dialects: Readonly<Record<string, DialectName>> = {
  postgres: 'postgresql',
  postgresql: 'postgresql',
  mysql: 'mysql',
  mariadb: 'mysql',
};

/**
 * Reads a database URL. SQLAlchemy's driver suffix (`postgresql+asyncpg://`, `mysql+asyncmy://`) is understood and
 * dropped. Throws a TypeError with a sentence, without the URL: it may hold a password.
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const [, scheme = '', rest = ''] = /^([a-z]+)(?:\+[a-z0-9]+)?:\/\/(.*)$/is.exec(text.trim()) ?? [];
  const dialect = dialects[scheme.toLowerCase()];
  if (!dialect) throw new TypeError('expected a URL such as postgresql://user:password@host:5432/name');
  const url = `${dialect}://${rest}`;
  // The WHATWG parser wants a host; libpq's URLs for Unix sockets have none.
  const parsed = URL.parse(url.replace(/^(\w+:\/\/[^/?#]*@)(?=[/?#])/, '$1socket'));
  if (!parsed) throw new TypeError('expected a URL such as postgresql://user:password@host:5432/name');
  const port = parsed.port || parsed.searchParams.get('port') || (dialect === 'mysql' ? '3306' : '5432');
  return {
    dialect,
    url,
    host: parsed.searchParams.get('host') ?? (parsed.hostname || 'localhost'),
    port: Number(port),
    database: decodeURIComponent(parsed.pathname.slice(1)),
  };
}
