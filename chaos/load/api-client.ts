import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Pace } from './pace.ts';

const answerTimeoutMs = 6_000;
const retryPauseMs = 250;
/** A request that nobody has answered for so long is a fault of the system. */
const patienceMs = 300_000;

export interface ApiOptions {
  readonly baseUrl: string;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

/** A client as a careful program is one: what was not answered is sent again with the same key until it is. */
export class ApiClient {
  readonly #options: ApiOptions;
  #token = '';
  /** Sent again, because no answer came or one that says to try again. */
  retries = 0;
  answered = 0;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  async signIn(username: string, password: string): Promise<void> {
    const answer = await fetch(`${this.#options.baseUrl}/auth/token`, {
      method: 'POST',
      body: new URLSearchParams({ username, password }),
      signal: this.#options.signal,
    });
    if (answer.status !== 200) throw new Error(`The sign-in was answered ${answer.status}: ${await answer.text()}`);
    this.#token = ((await answer.json()) as { readonly access_token: string }).access_token;
  }

  /** @throws Error for an answer that says no, or where none came for minutes */
  async send(method: 'POST' | 'PUT', path: string, body: object): Promise<Readonly<Record<string, string>>> {
    const key = randomUUID();
    await this.#options.pace.turn();
    for (const endMs = performance.now() + patienceMs; performance.now() < endMs;) {
      const answer = await this.#try(method, path, { body, key });
      if (answer !== undefined) {
        this.answered += 1;
        return answer;
      }
      this.retries += 1;
      await pause(retryPauseMs, undefined, { signal: this.#options.signal });
    }
    throw new Error(`${method} ${path} was not answered within ${patienceMs / 1_000} s`);
  }

  /** Undefined where it must be sent again. */
  async #try(
    method: string,
    path: string,
    { body, key }: { readonly body: object; readonly key: string },
  ): Promise<Readonly<Record<string, string>> | undefined> {
    const { baseUrl, signal } = this.#options;
    let status: number;
    let text: string;
    try {
      const answer = await fetch(`${baseUrl}${path}`, {
        method,
        body: JSON.stringify(body),
        headers: {
          authorization: `Bearer ${this.#token}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]),
      });
      [status, text] = [answer.status, await answer.text()];
    } catch {
      signal.throwIfAborted();
      return undefined; // the connection broke, or nobody answered in time
    }
    if (status === 200 || status === 201) return JSON.parse(text) as Readonly<Record<string, string>>;
    if (status >= 500 || text.includes('idempotency_running')) return undefined;
    throw new Error(`${method} ${path} was answered ${status}: ${text.slice(0, 500)}`);
  }
}
