import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CouchServer } from '../../platform/src/documents/test/couch-server.ts';
import { realCouches } from '../../platform/src/testing/real-couch.ts';
import { environmentOf, folder, readCompose, composeText, type Variables } from './test/compose-file.ts';
import { type Ran, run } from './test/run.ts';

const script = fileURLToPath(new URL('couchdb-init/setup-users-db.sh', folder));
const databases = ['_users', '_replicator', '_global_changes', 'business_events'];
const made = databases.map((name) => `setup-users-db: ${name} made\n`).join('');

let server: CouchServer;
beforeEach(async () => {
  server = await CouchServer.start();
});
afterEach(() => server.close());

/** Runs the script as the health check does, with what the compose file tells CouchDB's container. */
function setUp(given: Variables = {}): Promise<Ran> {
  const { port } = new URL(server.address.url);
  const told = environmentOf('couchdb');
  return run([script], {
    env: { PATH: process.env['PATH'] ?? '', COUCHDB_PORT: port, ...told, ...given },
    isOwn: true,
  });
}

test('makes CouchDB’s own databases and that of the events, and the second time nothing', async () => {
  server.credentials = 'admin:password';
  expect(await setUp()).toEqual({ status: 0, output: made });
  expect(server.databases.names).toEqual(databases);
  server.requests.length = 0;
  expect(await setUp()).toEqual({ status: 0, output: '' });
  expect(server.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  expect(server.databases.names).toEqual(databases);
});

test('keeps what is in a database, and makes one that somebody deleted', async () => {
  await setUp();
  server.databases.plant('business_events', { _id: 'event' });
  server.databases.delete('_users');
  expect(await setUp()).toEqual({ status: 0, output: 'setup-users-db: _users made\n' });
  const answer = await fetch(`${server.address.url}/business_events`);
  expect(await answer.json()).toMatchObject({ doc_count: 1 });
});

test('signs in with whatever a password holds', async () => {
  const password = `a"b\\c'd $e:f#ñ`;
  server.credentials = `admin:${password}`;
  expect(await setUp({ COUCHDB_PASSWORD: password })).toEqual({ status: 0, output: made });
});

test('two at once make each database once, and both are content', async () => {
  const outcomes = await Promise.all([setUp(), setUp()]);
  expect(outcomes.map(({ status }) => status)).toEqual([0, 0]);
  expect(server.databases.names).toEqual(databases);
});

test.each([
  [{ COUCHDB_PASSWORD: 'wrong' }, 'refuses admin for _users (status 401)'],
  [{ COUCHDB_PASSWORD: '' }, 'COUCHDB_PASSWORD is not set'],
  [{ COUCHDB_USER: '' }, 'COUCHDB_USER is not set'],
  [{ COUCHDB_PORT: '1', COUCHDB_WAIT_S: '0' }, 'nothing answers at http://127.0.0.1:1 after 0 seconds'],
])('%o is a failure that says why', async (given, reason) => {
  server.credentials = 'admin:password';
  const { status, output } = await setUp(given);
  expect([status, output]).toEqual([1, expect.stringContaining(reason)]);
  expect(output).not.toContain('wrong');
  expect(server.databases.names).toEqual([]);
});

test('a server that cannot is a failure that says how it answered', async () => {
  server.fault = ({ method }) => (method === 'PUT' ? { kind: 'status', status: 500, text: '{}' } : undefined);
  const { status, output } = await setUp();
  expect([status, output]).toEqual([1, expect.stringContaining('_users cannot be made')]);
});

test('it is the health check of CouchDB', () => {
  const couch = readCompose(composeText).services['couchdb'];
  expect(couch?.healthcheck?.test).toEqual(['CMD', '/usr/local/bin/setup-users-db.sh']);
  expect(couch?.volumes).toContain('./couchdb-init/setup-users-db.sh:/usr/local/bin/setup-users-db.sh:ro');
});

test.each(realCouches())('on $name', async (real) => {
  const { address } = real;
  const { hostname, port } = new URL(address.url);
  const events = 'business_events_of_a_test';
  await real.clear([events]);
  const own = { COUCHDB_HOST: hostname, COUCHDB_PORT: port, COUCHDB_DATABASES: `_users _replicator ${events}` };
  const user = { COUCHDB_USER: address.user ?? 'admin', COUCHDB_PASSWORD: address.password ?? 'password' };
  expect(await setUp({ ...own, ...user })).toMatchObject({
    status: 0,
    output: expect.stringContaining(`${events} made`) as string,
  });
  expect(await setUp({ ...own, ...user })).toEqual({ status: 0, output: '' });
  await real.clear([events]);
});
