/** Where a Redis server is. Never log it whole: it holds the password. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  /** A Unix socket instead of host and port. */
  readonly path?: string;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly isTls: boolean;
}

const defaultPort = 6379;

/**
 * Reads `redis://[user[:password]@]host[:port][/db]`, `rediss://…` (TLS, certificate checked) and
 * `unix://[user:password@]/path[?db=n]`, as the Redis clients of other languages write them. Throws a RangeError whose
 * text does not repeat the URL. Other query parameters are ignored, so that no URL can loosen what we set.
 */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.parse(text);
  if (!url || !['redis:', 'rediss:', 'unix:'].includes(url.protocol)) {
    throw new RangeError('expected a URL such as redis://localhost:6379/0, rediss://… or unix:///run/redis.sock');
  }
  const isSocket = url.protocol === 'unix:';
  const path = decodeURIComponent(url.pathname);
  return {
    host: url.hostname.replaceAll(/^\[|\]$/g, '') || 'localhost',
    port: url.port === '' ? defaultPort : Number(url.port),
    db: readDb(url.searchParams.get('db') ?? (isSocket ? '' : path.slice(1))),
    isTls: url.protocol === 'rediss:',
    ...(isSocket && { path }),
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
  };
}

function readDb(text: string): number {
  if (text === '') return 0;
  if (!/^\d{1,5}$/.test(text)) throw new RangeError('expected a database number behind the host, such as …:6379/0');
  return Number(text);
}

/** The text of a fault without what it could give away: the password, the user, a command's arguments. */
export function describeFault(error: unknown, address: RedisAddress): string {
  if (!(error instanceof Error)) return 'unknown fault';
  if (error.name === 'MaxRetriesPerRequestError') return 'the connection was lost';
  // Connecting to a name with several addresses fails with an error that has a code and no text.
  let text = error.message === '' && 'code' in error ? String(error.code) : error.message;
  // Redis repeats the arguments of a command that it does not know, AUTH and HELLO included.
  text = text.split(/,? with args/)[0] ?? text;
  for (const secret of [address.password, address.username]) {
    if (secret !== undefined && secret !== 'default') text = text.replaceAll(secret, '…');
  }
  return text.slice(0, 200);
}
