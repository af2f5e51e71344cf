import path from 'node:path';
import { peersFolder, reasonAgainstPeers } from '../stage/peers.ts';
import { freePort } from '../../platform/src/testing/free-port.ts';
import { surroundings } from '../stage/quinta.ts';
import type { Stage } from '../stage/stage.ts';
import { until } from '../stage/until.ts';
import { hashing, password } from './accounts.ts';
import { type Client, openClient } from './clients.ts';

/** better-auth with as many members as Move Acces has, on a database of its own. */
export interface BetterAuth {
  readonly pid: number;
  /** Signs a member in; resolves to the cookie of the session. */
  signIn(client: Client, member: number): Promise<string>;
  refresh(client: Client, cookie: string): Promise<void>;
  close(): Promise<void>;
}

const startTimeoutMs = 60_000;

/** Undefined, with the reason, where its package cannot be had. */
export async function openBetterAuth(
  stage: Stage,
  members: number,
): Promise<{ readonly peer?: BetterAuth; readonly reason?: string }> {
  const reason = await reasonAgainstPeers();
  if (reason !== undefined) return { reason };
  const database = await stage.makeEmptyDatabase('better_auth');
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const { memoryKiB, passes, lanes } = hashing;
  const child = stage.children.start(process.execPath, [path.join(peersFolder, 'better-auth.mjs')], {
    env: {
      ...surroundings(),
      NODE_ENV: 'production',
      DATABASE_URL: database.ownerUrl,
      JWT_SECRET: stage.jwt.secret,
      PORT: String(port),
      MEMBERS: String(members),
      PASSWORD: password,
      ARGON2: `${memoryKiB},${passes},${lanes}`,
    },
  });
  const close = async (): Promise<void> => {
    await child.stop();
    await database.drop();
  };
  const peer: BetterAuth = {
    pid: child.pid,
    close,
    signIn: async (client, member) => {
      const body = { email: `member${(member % members) + 1}@bench.example`, password };
      const { status, text, cookies } = await client.send(`${address}/api/auth/sign-in/email`, {
        method: 'POST',
        body,
        headers: { origin: address },
      });
      const [cookie] = cookies.map((one) => one.split(';')[0] ?? '');
      if (status === 200 && cookie !== undefined) return cookie;
      throw new Error(`better-auth answered ${status}: ${text.slice(0, 200)}`);
    },
    refresh: async (client, cookie) => {
      const { status, text } = await client.send(`${address}/api/auth/get-session`, { headers: { cookie } });
      if (status !== 200 || !text.includes('"session"')) throw new Error(`better-auth answered ${status}: ${text}`);
    },
  };
  try {
    await untilSignedIn(stage, child, peer);
    return { peer };
  } catch (error) {
    await close();
    throw error;
  }
}

async function untilSignedIn(
  stage: Stage,
  child: { readonly ended: Promise<unknown>; stderr(): string },
  peer: BetterAuth,
): Promise<void> {
  const client = openClient(1);
  let hasEnded = false;
  void child.ended.then(() => (hasEnded = true));
  const look = async (): Promise<true | undefined> => {
    if (hasEnded) throw new Error(`better-auth ended: ${child.stderr().trim()}`);
    return peer.signIn(client, 0).then(
      () => true,
      () => undefined,
    );
  };
  await until('better-auth answers', look, { timeoutMs: startTimeoutMs, signal: stage.signal });
  client.close();
}
