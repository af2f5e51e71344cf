import { Agent, request } from 'node:http';

/** What one request heard. */
export interface Heard {
  readonly status: number;
  readonly text: string;
  readonly cookies: readonly string[];
}

export interface Sending {
  readonly method?: 'GET' | 'POST' | 'PATCH';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Client {
  send(url: string, sending?: Sending): Promise<Heard>;
  close(): void;
}

const timeoutMs = 30_000;

/** A client whose connections stay open. A request without an answer rejects. */
export function openClient(connections: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const send = sendBy(agent);
  return {
    send: (url, sending) =>
      // A server may end a connection that did nothing just as it is used again; it has read nothing then.
      send(url, sending).catch((error: unknown) => {
        if (error instanceof StaleConnection) return send(url, sending);
        throw error;
      }),
    close: () => agent.destroy(),
  };
}

class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

function sendBy(agent: Agent): Client['send'] {
  return (url, { method = 'GET', body, headers = {} } = {}) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const all = { ...headers, ...(text === undefined ? {} : { 'content-type': 'application/json' }) };
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, agent, headers: all, timeout: timeoutMs }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            text: Buffer.concat(chunks).toString(),
            cookies: answer.headers['set-cookie'] ?? [],
          }),
        );
      });
      sent.on('error', (error: NodeJS.ErrnoException) =>
        reject(sent.reusedSocket && error.code === 'ECONNRESET' ? new StaleConnection(error.message) : error),
      );
      sent.on('timeout', () => sent.destroy(new Error(`no answer of ${new URL(url).pathname}`)));
      sent.end(text);
    });
  };
}

let addresses = 0;

/** An address that has asked for nothing yet, as a trusted proxy would tell it. */
export function freshAddress(): Readonly<Record<string, string>> {
  addresses += 1;
  return { 'x-forwarded-for': `11.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}` };
}
