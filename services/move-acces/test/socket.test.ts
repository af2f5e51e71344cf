import { randomUUID } from 'node:crypto';
import { get } from 'node:http';
import { operatorContext } from '@quinta/platform/kernel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { socketRoutes } from '../src/socket/socket-routes.ts';
import { demoPassword, type MoveAccesWorld, newMember, openMoveAccesWorld } from './move-acces-world.ts';
import { connectSocket, type ConnectOptions, type SocketClient } from './socket-client.ts';

let world: MoveAccesWorld;
const open: SocketClient[] = [];
beforeAll(async () => {
  world = await openMoveAccesWorld({ environment: { SOCKETS_PER_MEMBER: '3' } });
});
afterAll(async () => {
  for (const socket of open) socket.close();
  await world.close();
});

async function connect(query: string, options?: ConnectOptions): Promise<SocketClient> {
  const socket = await connectSocket(`${world.baseUrl}/ws${query}`, options);
  open.push(socket);
  return socket;
}

interface Device {
  readonly access: string;
  readonly refresh: string;
}

async function signIn(email: string): Promise<Device> {
  const answer = await world.api('/auth/login', { body: { email, password: demoPassword } });
  const tokens = answer.json<{ access_token: string; refresh_token: string }>();
  return { access: tokens.access_token, refresh: tokens.refresh_token };
}

async function somebody(): Promise<{ readonly email: string } & Device> {
  const body = newMember();
  await world.api('/auth/register', { body });
  const email = String(body['email']);
  return { email, ...(await signIn(email)) };
}

test('welcomes, echoes and answers as promised', async () => {
  const { email, access } = await somebody();
  const socket = await connect(`?token=${access}`);
  expect(await socket.next('welcome')).toEqual({ type: 'welcome', message: `Welcome ${email}!` });
  socket.say({ type: 'echo', payload: { n: 1 } });
  expect(await socket.next('echo')).toEqual({ type: 'echo', payload: { n: 1 }, from: 'server' });
  socket.say({ type: 'ping' });
  expect(await socket.next('pong')).toEqual({ type: 'pong' });
  socket.say({ type: 'dance' });
  expect(await socket.next('error')).toEqual({ type: 'error', message: 'Unknown message type: dance' });
  for (const text of ['not json', '[1]', '"text"', 'null']) {
    socket.sayText(text);
    expect(await socket.next('error')).toEqual({ type: 'error', message: 'Invalid JSON' });
  }
});

test('L01 the audit tells when a connection began and how it ended', async () => {
  const { access } = await somebody();
  const socket = await connect(`?token=${access}`);
  await socket.next('welcome');
  socket.sayText('x'.repeat(70_000));
  expect((await socket.closed).code).toBe(1_009);
  const rows = () =>
    world.sql(`select action, details from audit_logs where action like 'ws%' and user_id =
      (select user_id from audit_logs where action = 'ws_connect' order by id desc limit 1) order by id`);
  await expect.poll(rows, { timeout: 10_000, interval: 20 }).toEqual([
    { action: 'ws_connect', details: null },
    { action: 'ws_disconnect', details: { code: 1_009 } },
  ]);
});

test.each([
  ['J01 no token', '', 401],
  ['J02 a forged one', '?token=eyJhbGciOiJub25lIn0.e30.', 401],
  ['J05 no ticket', '?ticket=AAAA', 401],
])('%s is refused over HTTP, before any upgrade', async (_why, query, status) => {
  await expect(connect(query)).rejects.toThrow(`refused ${status}`);
});

test('a refresh token opens no socket', async () => {
  const { refresh } = await somebody();
  await expect(connect(`?token=${refresh}`)).rejects.toThrow('refused 401');
});

test('takes the token as a protocol, which no log and no URL holds', async () => {
  const { access } = await somebody();
  const socket = await connect('', { protocols: ['move-acces', `bearer.${access}`] });
  await socket.next('welcome');
  expect(socket.protocol).toBe('move-acces');
});

test('J05 takes a ticket once', async () => {
  const { access } = await somebody();
  const made = await world.api('/ws/ticket', { method: 'POST', token: access });
  const { ticket } = made.json<{ ticket: string }>();
  const both = await Promise.allSettled([connect(`?ticket=${ticket}`), connect(`?ticket=${ticket}`)]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  await expect(connect(`?ticket=${ticket}`)).rejects.toThrow('refused 401');
});

test('J07 a logout closes the sockets of that session alone', async () => {
  const { email, access, refresh } = await somebody();
  const other = await signIn(email);
  const [mine, theirs] = [await connect(`?token=${access}`), await connect(`?token=${other.access}`)];
  await world.api('/auth/logout', { body: { refresh_token: refresh } });
  expect(await mine.closed).toMatchObject({ code: 4401 });
  expect(await theirs.next('session_revoked')).toMatchObject({ type: 'session_revoked' });
  theirs.say({ type: 'ping' });
  await theirs.next('pong');
});

describe('between the decision on a handshake and its end', () => {
  /** A handshake that was admitted, and what its connection was told once it stands. */
  async function admitted(access: string) {
    const [route] = socketRoutes;
    const context = operatorContext(world.moveAcces, 'socket.open');
    const query = new URLSearchParams({ token: access });
    const accepted = await route?.accept({ app: world.moveAcces, context, query, protocols: [] });
    return () => {
      const closed: number[] = [];
      const listener = accepted?.open({ send: () => undefined, close: (code) => closed.push(code) });
      return { closed, end: () => listener?.onClose(1000) };
    };
  }

  test('a logout is not outrun', async () => {
    const { access, refresh } = await somebody();
    const connectNow = await admitted(access);
    await world.api('/auth/logout', { body: { refresh_token: refresh } });
    const { closed, end } = connectNow();
    await expect.poll(() => closed).toEqual([4401]);
    end();
  });

  test('a member gets no more connections than are allowed, however many handshakes run at once', async () => {
    const { access } = await somebody();
    const all = await Promise.all(Array.from({ length: 6 }, () => admitted(access)));
    const connections = all.map((connectNow) => connectNow());
    expect(connections.map(({ closed }) => closed)).toEqual([[], [], [], [4429], [4429], [4429]]);
    for (const { end } of connections) end();
  });
});

test('J08 a refresh leaves the socket open, J11 a stolen token closes it', async () => {
  const { access, refresh } = await somebody();
  const socket = await connect(`?token=${access}`);
  const again = (token: string) => world.api('/auth/refresh', { body: { refresh_token: token } });
  const second = (await again(refresh)).json<{ refresh_token: string; access_token: string }>();
  socket.say({ type: 'authenticate', token: second.access_token });
  expect(await socket.next('authenticated')).toMatchObject({ type: 'authenticated' });
  await again(second.refresh_token);
  await again(refresh);
  expect(await socket.closed).toMatchObject({ code: 4401 });
});

test('a token of somebody else does not keep a socket open', async () => {
  const [one, other] = [await somebody(), await somebody()];
  const socket = await connect(`?token=${one.access}`);
  for (const token of [other.access, 'nonsense', 7]) {
    socket.say({ type: 'authenticate', token });
    expect(await socket.next('error')).toMatchObject({ message: 'Could not validate credentials' });
  }
});

test('a change of the profile reaches every device of the member, and nobody else', async () => {
  const { email, access } = await somebody();
  const other = await signIn(email);
  const stranger = await somebody();
  const sockets = await Promise.all([access, other.access, stranger.access].map((token) => connect(`?token=${token}`)));
  await world.api('/users/me', { method: 'PATCH', token: access, body: { rue: `Rue ${randomUUID().slice(0, 8)}` } });
  await sockets[0]?.next('profile_updated');
  await sockets[1]?.next('profile_updated');
  sockets[2]?.say({ type: 'ping' });
  await sockets[2]?.next('pong');
  expect(sockets[2]?.heard.map((message) => message['type'])).toEqual(['welcome', 'pong']);
});

test('a change of the subscriptions by the other system reaches the devices of that member', async () => {
  const [one, other] = [await somebody(), await somebody()];
  const [mine, theirs] = [await connect(`?token=${one.access}`), await connect(`?token=${other.access}`)];
  const look = () => world.moveAcces.subscriptionWatch.look();
  await look();
  await world.sql(`insert into abonnement (user_id, abo_state, abo_name)
    select user_id, 'active', 'Annuel' from users where email = '${one.email}'`);
  await look();
  await mine.next('abonnement_changed');
  await look();
  for (const socket of [mine, theirs]) {
    socket.say({ type: 'ping' });
    await socket.next('pong');
  }
  expect(mine.heard.filter((message) => message['type'] === 'abonnement_changed')).toHaveLength(1);
  expect(theirs.heard.map((message) => message['type'])).toEqual(['welcome', 'pong']);
});

test('J14 a message beyond 64 KiB ends the connection with 1009', async () => {
  const { access } = await somebody();
  const socket = await connect(`?token=${access}`);
  socket.sayText('x'.repeat(65_537));
  expect(await socket.closed).toMatchObject({ code: 1009 });
});

test('J16 compression is declined', async () => {
  const { access } = await somebody();
  const socket = await connect(`?token=${access}`);
  expect(socket.extensions).toBe('');
});

test('J19 a member has as many connections as are allowed, and room again when one is closed', async () => {
  const { access } = await somebody();
  const sockets: SocketClient[] = [];
  for (let place = 0; place < 3; place += 1) sockets.push(await connect(`?token=${access}`));
  await expect(connect(`?token=${access}`)).rejects.toThrow('refused 429');
  sockets[0]?.close();
  await sockets[0]?.closed;
  sockets.push(await connect(`?token=${access}`));
});

test('J20 a flood of messages ends the connection with 4429', async () => {
  const { access } = await somebody();
  const socket = await connect(`?token=${access}`);
  for (let place = 0; place < 400; place += 1) socket.say({ type: 'ping' });
  expect(await socket.closed).toMatchObject({ code: 4429 });
  // J13: what came behind the order to close was not answered.
  expect(socket.heard.length).toBeLessThan(200);
});

test('J17 who does not read is cut off, before much is kept for them', async () => {
  const { access } = await somebody();
  const socket = await connect(`?token=${access}`);
  await socket.next('welcome');
  socket.pause();
  const { hub } = world.moveAcces;
  const before = hub.size;
  const payload = 'x'.repeat(50_000);
  // No flood: less a second than is let in, until the kernel keeps no more of it and the server has to.
  const more = (): number => {
    for (let place = 0; place < 4; place += 1) socket.say({ type: 'echo', payload });
    return hub.size;
  };
  await expect.poll(more, { timeout: 30_000, interval: 100 }).toBeLessThan(before);
  // Cut off for not reading, not closed for talking.
  socket.resume();
  expect((await socket.closed).code).toBe(1006);
});

test('a page of another origin is refused, one of the same is not', async () => {
  const { access } = await somebody();
  const from = (origin: string) => connect(`?token=${access}`, { headers: { origin } });
  await expect(from('https://evil.example')).rejects.toThrow('refused 400');
  await (await from(world.baseUrl)).next('welcome');
});

test('who offers HTTP/2 beside its request is answered as if it had not', async () => {
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' };
    get(`${world.baseUrl}/health`, { headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).once('error', reject);
  });
  expect(status).toBe(200);
});

test('paths without a socket are refused', async () => {
  await expect(connectSocket(`${world.baseUrl}/elsewhere`)).rejects.toThrow('refused 404');
});

test('J04 no token of a hundred connections and refusals stands in a log', async () => {
  const { access } = await somebody();
  for (let place = 0; place < 50; place += 1) {
    await expect(connect(`?token=${access.slice(0, -3)}xyz`)).rejects.toThrow('refused 401');
    const socket = await connect(`?token=${access}`);
    socket.close();
    await socket.closed;
  }
  const parts = access.split('.');
  const lines = world.logLines.filter((line) => parts.some((part) => line.includes(part)));
  expect(lines).toEqual([]);
  expect(world.logLines.filter((line) => line.includes('"operation":"socket.open"')).length).toBeGreaterThan(100);
  const rows = JSON.stringify(await world.sql('select * from audit_logs'));
  for (const part of parts.slice(1)) expect(rows).not.toContain(part);
});
