import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { call } from '@quinta/platform/testing';
import type { Place, Server } from './place.ts';

/** The password of the demo users of a data folder. */
export function demoPassword(place: Place): string {
  return readFileSync(path.join(place.folder, 'secrets', 'demo-password'), 'utf8').trim();
}

/** An access token by signing in. `api` is the address with the prefix, up to `/api/v1`. */
export async function signIn(api: string, username: string, password: string): Promise<string> {
  const answer = await call(`${api}/auth/login`, { body: { username, password } });
  if (answer.status !== 200) throw new Error(`The sign-in was answered ${answer.status}: ${answer.text}`);
  return answer.json<{ access_token: string }>().access_token;
}

/** `http://127.0.0.1:43211/api/v1`, or under the service's prefix. */
export function apiOf(server: Pick<Server, 'address'>, prefix = ''): string {
  return `${server.address}${prefix}/api/v1`;
}

/** What a request of a burst heard: 0 where the connection broke before an answer. */
export interface Heard {
  readonly status: number;
  readonly text: string;
}

export interface Burst {
  post(url: string, token: string, body?: unknown): Promise<Heard>;
  close(): void;
}

/** A client with many connections that stay open, as a busy front end has; no more than `socketsMax` at once. */
export function openBurst(socketsMax: number): Burst {
  const agent = new Agent({ keepAlive: true, maxSockets: socketsMax });
  return {
    post: (url, token, body) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      return new Promise((resolve) => {
        const broken = (): void => resolve({ status: 0, text: '' });
        const sent = request(url, { method: 'POST', agent, headers, timeout: 60_000 }, (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
          answer.on('error', broken);
        });
        sent.on('error', broken);
        sent.on('timeout', () => sent.destroy());
        sent.end(text);
      });
    },
    close: () => agent.destroy(),
  };
}

/** How often each status was heard. */
export function tally(heard: readonly Pick<Heard, 'status'>[]): Readonly<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const { status } of heard) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
