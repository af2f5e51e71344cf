import { createAccessTokens, namedKeys } from '@quinta/platform/identity';
import { redisProgram } from '@quinta/platform/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { logout, type Person, refresh, refreshed, signIn, somebody } from './people.ts';
import { sendRaw } from './raw.ts';
import { type ConnectOptions, connectTo, type SocketClient } from './socket.ts';
import { appSecret, startTwo, type TwoProcesses } from './two-processes.ts';

const redis = redisProgram();
const both = [0, 1] as const;
const perMember = 20;
const perProcess = 25;

describe.skipIf(redis.unreachable !== undefined)('sockets on two processes', { timeout: 30_000 }, () => {
  let two: TwoProcesses;
  const open: SocketClient[] = [];
  beforeAll(async () => {
    two = await startTwo({}, [{}, { SOCKETS_PER_PROCESS: String(perProcess) }]);
  });
  afterEach(async () => {
    for (const { raw } of open) raw.terminate();
    await Promise.all(open.splice(0).map(({ closed }) => closed));
  });
  afterAll(() => two.close());

  async function connect(query: string, options?: ConnectOptions): Promise<SocketClient> {
    const socket = await connectTo(two, query, options);
    open.push(socket);
    return socket;
  }
  const connectAs = ({ access_token: token }: Pick<Person, 'access_token'>, at: 0 | 1): Promise<SocketClient> =>
    connect(`?token=${token}`, { at });
  const expectRefused = async (query: string, status = 401, options: ConnectOptions = {}): Promise<void> => {
    for (const at of both) await expect(connect(query, { at, ...options })).rejects.toThrow(`refused ${status}`);
  };
  const expectOpen = async (socket: SocketClient): Promise<void> => {
    socket.say({ type: 'echo', payload: 'still here' });
    await socket.hears('echo');
  };
  const ticketOf = async ({ access_token: token, from }: Person): Promise<string> =>
    (await two.api('/ws/ticket', { method: 'POST', token, from })).json<{ ticket: string }>().ticket;
  /** A token of the service's own key, made so long ago. */
  const tokenMadeAgo = async ({ id, email, access_token: token }: Person, seconds: number): Promise<string> => {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sid: string };
    const tokens = createAccessTokens({
      keys: namedKeys(appSecret, undefined),
      issuer: 'quinta',
      audience: 'move-acces',
      ttlSeconds: 900,
      clock: { now: () => new Date(Date.now() - seconds * 1_000) },
    });
    const subject = { subject: String(id), name: email, role: 'member', sessionId: claims.sid };
    return (await tokens.sign(subject)).token;
  };

  test('J01 without a token the handshake is refused over HTTP', async () => {
    await expectRefused('');
    await expectRefused('?token=');
    await expectRefused('', 401, { protocols: ['move-acces'] });
  });

  test('J02 what is no access token is refused over HTTP', async () => {
    const person = await somebody(two);
    const { access_token: token } = person;
    const bad = [
      `${token.slice(0, -4)}AAAA`,
      'eyJhbGciOiJub25lIn0.e30.',
      person.refresh_token,
      await tokenMadeAgo(person, 1_000),
    ];
    for (const each of bad) {
      await expectRefused(`?token=${each}`);
      await expectRefused('', 401, { protocols: ['move-acces', `bearer.${each}`] });
    }
    await expectOpen(await connect(`?token=${await tokenMadeAgo(person, 100)}`));
  });

  test('J04 no token of a hundred connections and a hundred refusals is in any log, row or metric', async () => {
    const secrets: string[] = [];
    for (let round = 0; round < 25; round += 1) {
      const person = await somebody(two);
      const { access_token: token, refresh_token: later, from } = person;
      const ticket = await ticketOf(person);
      secrets.push(...token.split('.').slice(1), later.slice(3), ticket);
      const ways: readonly (readonly [string, ConnectOptions])[] = [
        [`?token=${token}`, {}],
        [`?ticket=${ticket}`, { from }],
        ['', { protocols: ['move-acces', `bearer.${token}`] }],
        [`?token=${token}&again=${token}`, {}],
      ];
      const at = both[round % 2] ?? 0;
      for (const [query, options] of ways) {
        const socket = await connect(query, { at, ...options });
        socket.raw.terminate();
        await socket.closed;
      }
      const refused = [`?token=${token}x`, `?ticket=${ticket}`, `?token=${later}`, `?ticket=${token}`];
      for (const query of refused) await expect(connect(query, { at, from })).rejects.toThrow('refused 401');
      expect((await two.api(`/nowhere/${token}?token=${token}`)).status).toBe(404);
    }
    const texts = [...two.written()];
    for (const at of both) texts.push((await two.api('/metrics', { at })).text);
    texts.push(JSON.stringify(await two.sql('select row_to_json(t)::text as row from audit_logs t')));
    // The texts are those of what was done.
    expect(texts.join('').split('"operation":"socket.open"').length).toBeGreaterThan(200);
    expect(texts.at(-1)).toContain('ws_connect');
    expect(secrets).toHaveLength(100);
    const found = secrets.filter((secret) => texts.some((text) => text.includes(secret)));
    expect(found).toEqual([]);
  });

  test('J05 a ticket opens one connection, from one address, for half a minute', async () => {
    const person = await somebody(two);
    const { from } = person;
    const ticket = await ticketOf(person);
    const race = await Promise.allSettled(both.map((at) => connect(`?ticket=${ticket}`, { at, from })));
    expect(race.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await expectRefused(`?ticket=${ticket}`, 401, { from });
    const elsewhere = await ticketOf(person);
    await expect(connect(`?ticket=${elsewhere}`, { from: two.address() })).rejects.toThrow('refused 401');
    // It is spent by whoever shows it, so that nobody tries addresses.
    await expectRefused(`?ticket=${elsewhere}`, 401, { from });
    const late = await ticketOf(person);
    const redisSays = (command: string): Promise<string> => sendRaw(two.store.port, `${command}\r\nQUIT\r\n`);
    const key = (await redisSays('KEYS *')).split('\r\n').find((line) => line.endsWith(late)) ?? '';
    const [, leftMs] = /^:(\d+)/.exec(await redisSays(`PTTL ${key}`)) ?? [];
    expect(Number(leftMs)).toBeGreaterThan(25_000);
    expect(Number(leftMs)).toBeLessThanOrEqual(30_000);
    // Half a minute later.
    await redisSays(`PEXPIRE ${key} 1`);
    await expect.poll(() => redisSays(`EXISTS ${key}`), { interval: 5 }).toContain(':0');
    await expectRefused(`?ticket=${late}`, 401, { from });
  });

  test('J07 a logout closes the sockets of that session on both processes within a second, and no others', async () => {
    const person = await somebody(two);
    const other = await signIn(two, person.email);
    const mine = await Promise.all(both.map((at) => connectAs(person, at)));
    const theirs = await Promise.all(both.map((at) => connectAs(other, at)));
    const startedMs = performance.now();
    await logout(two, person.refresh_token, { at: 0 });
    expect(await Promise.all(mine.map(({ closed }) => closed))).toEqual([4401, 4401]);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    for (const socket of theirs) {
      await socket.hears('session_revoked');
      await expectOpen(socket);
      expect(socket.heard.filter(({ type }) => type === 'session_revoked')).toHaveLength(1);
    }
  });

  test('J08 a refresh leaves the socket open, and the new token keeps it so', async () => {
    const person = await somebody(two);
    const socket = await connectAs(person, 1);
    const second = await refreshed(two, person.refresh_token);
    socket.say({ type: 'authenticate', token: second.access_token });
    await socket.hears('authenticated');
    await expectOpen(socket);
  });

  test('J10 who comes back with the old token is refused, and told to refresh', async () => {
    const person = await somebody(two);
    const old = await tokenMadeAgo(person, 2_000);
    await expectRefused(`?token=${old}`);
    const said = (await two.api('/users/me', { token: old })).json();
    expect(said).toMatchObject({ code: 'token_expired', detail: expect.stringContaining('refresh it') as string });
    await expectOpen(await connectAs(await refreshed(two, person.refresh_token), 0));
  });

  test('J11 a stolen token closes all sockets of its session, on both processes within a second', async () => {
    const person = await somebody(two);
    const other = await signIn(two, person.email);
    const mine = await Promise.all(both.map((at) => connectAs(person, at)));
    const theirs = await connectAs(other, 1);
    const second = await refreshed(two, person.refresh_token);
    await refreshed(two, second.refresh_token);
    const startedMs = performance.now();
    expect((await refresh(two, person.refresh_token, { at: 0 })).json()).toMatchObject({ code: 'refresh_reused' });
    expect(await Promise.all(mine.map(({ closed }) => closed))).toEqual([4401, 4401]);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    await expectOpen(theirs);
  });

  test('J13 what comes behind the order to close is not answered', async () => {
    const socket = await connectAs(await somebody(two), 0);
    for (let place = 0; place < 400; place += 1) socket.say({ type: 'echo', payload: place });
    expect(await socket.closed).toBe(4429);
    const answered = socket.heard.filter(({ type }) => type === 'echo').map(({ payload }) => payload);
    expect(answered.length).toBeLessThan(200);
    expect(answered).toEqual(Array.from({ length: answered.length }, (_, place) => place));
  });

  test('J14 a message beyond 64 KiB ends the connection, in one piece or in many', async () => {
    const person = await somebody(two);
    const whole = await connectAs(person, 0);
    whole.say('x'.repeat(65_537));
    expect(await whole.closed).toBe(1009);
    const many = await connectAs(person, 1);
    const piece = 'x'.repeat(1_024);
    for (let place = 0; place < 1_024; place += 1) many.raw.send(piece, { fin: place === 1_023 });
    expect(await many.closed).toBe(1009);
    expect(many.heard.map(({ type }) => type)).toEqual(['welcome']);
  });

  test('J16 compression is offered and not taken', async () => {
    const socket = await connectAs(await somebody(two), 1);
    expect(socket.raw.extensions).toBe('');
    await expectOpen(socket);
  });

  test('J17 who does not read is cut off before much is kept for them', async () => {
    const person = await somebody(two);
    const slow = await connectAs(person, 0);
    await slow.hears('welcome');
    await Promise.all(Array.from({ length: perMember - 1 }, () => connectAs(person, 0)));
    slow.raw.pause();
    const payload = 'x'.repeat(60_000);
    // Their place is free again once the server has cut them off.
    const room = async (): Promise<string> => {
      for (let place = 0; place < 4; place += 1) slow.say({ type: 'echo', payload });
      return connectAs(person, 0).then(
        () => 'there is room',
        (error: unknown) => String(error),
      );
    };
    await expect.poll(room, { timeout: 25_000, interval: 100 }).toBe('there is room');
    slow.raw.resume();
    // Cut off for not reading, not closed for talking.
    expect(await slow.closed).toBe(1006);
  });

  test('J19 a member, a process and an address have so many connections and no more', async () => {
    const [one, other] = [await somebody(two), await somebody(two)];
    await Promise.all(Array.from({ length: perMember }, () => connectAs(one, 1)));
    await expect(connectAs(one, 1)).rejects.toThrow('refused 429');
    await Promise.all(Array.from({ length: perProcess - perMember }, () => connectAs(other, 1)));
    await expect(connectAs(other, 1)).rejects.toThrow('refused 429');
    await expectOpen(await connectAs(other, 0));
    const from = two.address();
    const statuses = await Promise.allSettled(Array.from({ length: 101 }, () => connect('', { from })));
    const reasons = statuses.map((each) => (each.status === 'rejected' ? String(each.reason) : 'open'));
    expect(reasons.filter((reason) => reason.includes('429'))).toHaveLength(1);
  });

  test('J20 a flood of messages ends the connection with 4429', async () => {
    const socket = await connectAs(await somebody(two), 1);
    for (let place = 0; place < 1_000; place += 1) socket.say({ type: 'ping' });
    expect(await socket.closed).toBe(4429);
  });
});
