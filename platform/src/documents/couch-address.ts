import { integer, password, text, url } from '../config/index.ts';

/** Where a CouchDB is. Never log it whole: it holds the password. */
export interface CouchAddress {
  /** Scheme, host, port and path, without user and password, and without a slash at its end. */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
}

/** What a service that keeps documents in CouchDB has among its settings. */
export const couchSettings = {
  COUCHDB_URL: url('The CouchDB, instead of host and port', ['http', 'https']),
  COUCHDB_HOST: text('Host of CouchDB; without it and COUCHDB_URL documents are kept in the database', undefined),
  COUCHDB_PORT: integer('Port of CouchDB', 5_984, { min: 1, max: 65_535 }),
  COUCHDB_USER: text('User of CouchDB', undefined),
  COUCHDB_PASSWORD: password('Password of that user', undefined),
} as const;

/** The values of `couchSettings`. */
export interface CouchConfig {
  readonly COUCHDB_URL?: string | undefined;
  readonly COUCHDB_HOST?: string | undefined;
  readonly COUCHDB_PORT?: number;
  readonly COUCHDB_USER?: string | undefined;
  readonly COUCHDB_PASSWORD?: string | undefined;
}

const defaultPort = 5_984;

/**
 * The address that the settings name; undefined where they name none. User and password of the URL win. Throws a
 * RangeError whose text does not repeat the URL.
 */
export function couchAddressOf(config: CouchConfig): CouchAddress | undefined {
  const whole = config.COUCHDB_URL || urlOfHost(config);
  if (whole === '') return undefined;
  const found = URL.parse(whole);
  if (!found || !['http:', 'https:'].includes(found.protocol) || found.hostname === '') {
    throw new RangeError('expected a URL such as http://user:password@localhost:5984, or a host');
  }
  const user = decoded(found.username) || (config.COUCHDB_USER ?? '');
  const secret = decoded(found.password) || (config.COUCHDB_PASSWORD ?? '');
  return {
    url: `${found.origin}${found.pathname}`.replace(/\/+$/, ''),
    ...(user !== '' && { user }),
    ...(secret !== '' && { password: secret }),
  };
}

function urlOfHost({ COUCHDB_HOST: host = '', COUCHDB_PORT: port = defaultPort }: CouchConfig): string {
  if (host === '') return '';
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The text of a fault without what it could give away. */
export function withoutSecrets(said: string, { user, password: secret }: CouchAddress): string {
  let clean = said;
  for (const hidden of [secret, user]) {
    if (hidden === undefined) continue;
    for (const form of [hidden, encodeURIComponent(hidden)]) clean = clean.replaceAll(form, '…');
  }
  return clean.slice(0, 300);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a bare % in a password, which the URL's own parser lets pass
  }
}
