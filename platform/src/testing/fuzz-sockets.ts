import { connect, type Socket } from 'node:net';
import { leakFaults } from './fuzz-answer.ts';

/** What a client wrote that is not, or hardly, HTTP, and what is wrong with what it got. */
export interface HostileExchange {
  readonly name: string;
  readonly faults: readonly string[];
  /** All that came back. */
  readonly received: string;
}

interface Case {
  readonly bytes: string | Buffer;
  /** Which statuses may come, in their order; any 4xx, or a closed connection, where it is not said. */
  readonly statuses?: readonly (number | readonly number[])[];
}

const hangMs = 10_000;
const slowMs = 25_000;
const receivedMax = 4_000_000;

const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\nHost: fuzz\r\n${headers}\r\n`;
const post = (headers: string, body = ''): string =>
  `POST /nowhere HTTP/1.1\r\nHost: fuzz\r\nContent-Type: application/json\r\n${headers}\r\n${body}`;

/** By name; each is sent on a connection of its own, whose sending half is then closed. */
const cases: Readonly<Record<string, Case>> = {
  'nothing at all': { bytes: '', statuses: [] },
  'not HTTP': { bytes: 'hello\r\n\r\n', statuses: [400] },
  'TLS on a plain port': { bytes: Buffer.from('16030100c8010000c40303', 'hex') },
  'binary noise': { bytes: Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 37) % 256)) },
  'half a request line': { bytes: 'GET /heal' },
  'half a header': { bytes: 'GET /health HTTP/1.1\r\nHos' },
  'HTTP/0.9': { bytes: 'GET /\r\n' },
  'HTTP of the future': { bytes: 'GET / HTTP/9.9\r\nHost: fuzz\r\n\r\n' },
  'no host': { bytes: 'GET /health HTTP/1.1\r\n\r\n', statuses: [400] },
  'a method that is none': { bytes: 'GE\u0000T / HTTP/1.1\r\nHost: fuzz\r\n\r\n', statuses: [400] },
  'a tunnel': { bytes: 'CONNECT example.com:443 HTTP/1.1\r\nHost: fuzz\r\n\r\n' },
  'another server as target': { bytes: get('http://example.com/nowhere'), statuses: [404] },
  'a space in the path': { bytes: get('/a b'), statuses: [400] },
  'NUL in the path': { bytes: get('/a\u0000b'), statuses: [400] },
  'a path outside': { bytes: get('/../../etc/passwd'), statuses: [404] },
  'bad percent-encoding': { bytes: get('/%zz%'), statuses: [[400, 404]] },
  'a path of 64 KiB': { bytes: get(`/${'a'.repeat(65_536)}`), statuses: [[414, 431]] },
  'headers of 64 KiB': { bytes: get('/health', `X-Large: ${'x'.repeat(65_536)}\r\n`), statuses: [431] },
  'a header without a colon': { bytes: get('/health', 'nonsense\r\n'), statuses: [400] },
  'a space before the colon': { bytes: get('/health', 'X-A : 1\r\n'), statuses: [400] },
  'NUL in a header': { bytes: get('/health', 'X-A: a\u0000b\r\n'), statuses: [400] },
  'a folded header': { bytes: get('/health', 'X-A: a\r\n b\r\n') },
  'an expectation': { bytes: post('Expect: tea\r\nContent-Length: 2\r\n', '{}'), statuses: [417] },
  'a Content-Length that is none': { bytes: post('Content-Length: two\r\n', '{}'), statuses: [400] },
  'a negative Content-Length': { bytes: post('Content-Length: -2\r\n', '{}'), statuses: [400] },
  'two Content-Lengths': { bytes: post('Content-Length: 2\r\nContent-Length: 3\r\n', '{}'), statuses: [400] },
  'a Content-Length beyond numbers': { bytes: post(`Content-Length: ${'9'.repeat(40)}\r\n`, '{}'), statuses: [400] },
  'a body that is cut off': { bytes: post('Content-Length: 200\r\n', '{"a":') },
  'length and chunks at once': {
    bytes: post('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\nGET /health HTTP/1.1\r\n\r\n'),
    statuses: [400],
  },
  'chunks that are none': { bytes: post('Transfer-Encoding: chunked\r\n', 'zz\r\nabc\r\n0\r\n\r\n') },
  'a chunk beyond numbers': { bytes: post('Transfer-Encoding: chunked\r\n', `${'f'.repeat(40)}\r\nabc`) },
  'a chunk that is cut off': { bytes: post('Transfer-Encoding: chunked\r\n', '10\r\nabc') },
  'an unknown transfer encoding': { bytes: post('Transfer-Encoding: pigeon\r\n', '{}') },
  'garbage behind a request': { bytes: `${get('/nowhere')}\u0000\u0001garbage\r\n\r\n`, statuses: [404, 400] },
  'a hundred requests at once': {
    bytes: get('/nowhere').repeat(100),
    statuses: Array.from({ length: 100 }, () => 404),
  },
};

/** Sends all that is hostile below HTTP to a server, and says of each exchange what was wrong with the answer. */
export async function hostileExchanges(baseUrl: string): Promise<readonly HostileExchange[]> {
  const exchanges: HostileExchange[] = [];
  for (const [name, { bytes, statuses }] of Object.entries(cases)) {
    const { received, isClosed } = await exchange(baseUrl, (socket) => socket.end(bytes), hangMs);
    const closing = isClosed ? [] : [`neither answered nor closed within ${hangMs} ms`];
    exchanges.push({ name, received, faults: [...closing, ...answerFaultsOf(received, statuses)] });
  }
  return exchanges;
}

/**
 * Opens a connection that sends half of a header and then nothing; resolves once the server has closed it, or after 25
 * seconds, to what it said.
 */
export function slowHeaders(baseUrl: string): Promise<{ readonly received: string; readonly isClosed: boolean }> {
  return exchange(baseUrl, (socket) => socket.write('GET /health HTTP/1.1\r\nHost: fuzz\r\nX-Slow: '), slowMs);
}

function answerFaultsOf(received: string, wanted: Case['statuses']): string[] {
  const statuses = [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  const faults = [...leakFaults(received)];
  if (statuses.some((status) => status < 400 || status > 499)) faults.push(`answered ${statuses.join(', ')}`);
  const fits = (status: number | undefined, place: number): boolean =>
    status !== undefined && [wanted?.[place] ?? []].flat().includes(status);
  if (wanted && (statuses.length !== wanted.length || !wanted.every((_, place) => fits(statuses[place], place)))) {
    faults.push(`answered ${statuses.join(', ') || 'nothing'}, and should answer ${wanted.join(', ') || 'nothing'}`);
  }
  return faults;
}

function exchange(
  baseUrl: string,
  write: (socket: Socket) => void,
  timeoutMs: number,
): Promise<{ received: string; isClosed: boolean }> {
  const { hostname, port } = new URL(baseUrl);
  return new Promise((resolve) => {
    let received = '';
    const socket = connect({ host: hostname, port: Number(port) }, () => write(socket));
    const timer = setTimeout(() => {
      resolve({ received, isClosed: false });
      socket.destroy();
    }, timeoutMs);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      if (received.length < receivedMax) received += chunk;
    });
    // A reset is one way of closing: the server has not read what we still sent.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ received, isClosed: true });
    });
  });
}
