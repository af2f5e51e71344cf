import { type CouchAddress, couchAddressOf } from '../documents/index.ts';

/** A real server of CouchDB's protocol that tests may empty. */
export interface RealCouch {
  readonly name: string;
  readonly address: CouchAddress;
  /** Deletes these databases where they are there. */
  clear(databases: readonly string[]): Promise<void>;
}

/**
 * The server that QUINTA_TEST_COUCHDB_URL names; none without it. Tests delete the databases that they use before they make
 * them, so it must be one that holds nothing else.
 */
export function realCouches(): readonly RealCouch[] {
  const address = couchAddressOf({ COUCHDB_URL: process.env['QUINTA_TEST_COUCHDB_URL'] });
  if (!address) return [];
  const { url, user = '', password = '' } = address;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const headers = user === '' ? {} : { authorization };
  return [
    {
      name: `couch at ${url}`,
      address,
      clear: async (databases) => {
        for (const name of databases) {
          const { status } = await fetch(`${url}/${name}`, { method: 'DELETE', headers });
          if (status >= 400 && status !== 404) throw new Error(`Cannot delete ${name} at ${url}: status ${status}`);
        }
      },
    },
  ];
}
