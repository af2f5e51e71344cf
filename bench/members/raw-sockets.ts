import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { freshAddress } from './clients.ts';

/** A WebSocket client that keeps next to nothing, so that twenty thousand of them fit into the bench. */
export interface RawSocket {
  /** Texts that have come so far. */
  texts(): number;
  /** Resolves when so many texts have come; rejects where they do not come in time. */
  untilTexts(count: number): Promise<void>;
  /** Resolves to the close code, or 1006 where the connection just ended; rejects where it stays open. */
  untilClosed(): Promise<number>;
  end(): void;
}

const openTimeoutMs = 30_000;
const waitMs = 30_000;
const [textFrame, closeFrame] = [0x81, 0x88];

/** Opens `/ws` with a token in the protocol header. Rejects where it is refused. */
export function openRawSocket(address: string, token: string): Promise<RawSocket> {
  const { hostname, port, host } = new URL(address);
  const head = [
    'GET /ws HTTP/1.1',
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Sec-WebSocket-Protocol: move-acces, bearer.${token}`,
    ...Object.entries(freshAddress()).map(([name, value]) => `${name}: ${value}`),
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(`${head.join('\r\n')}\r\n\r\n`));
    const timer = setTimeout(() => socket.destroy(new Error('no handshake')), openTimeoutMs);
    socket.once('error', reject);
    let heard = Buffer.alloc(0);
    const onHead = (chunk: Buffer): void => {
      heard = Buffer.concat([heard, chunk]);
      const end = heard.indexOf('\r\n\r\n');
      if (end < 0) return;
      clearTimeout(timer);
      socket.off('data', onHead);
      const [status = ''] = heard.toString('latin1').split('\r\n');
      if (!status.includes(' 101 ')) {
        socket.destroy();
        reject(new Error(`refused: ${status}`));
      } else resolve(follow(socket, heard.subarray(end + 4)));
    };
    socket.on('data', onHead);
  });
}

/** Frames of a server are unmasked, and ours are short: one byte of length, or two behind 126 (RFC 6455 section 5.2). */
function follow(socket: Socket, first: Buffer): RawSocket {
  let texts = 0;
  let rest: Buffer = Buffer.alloc(0);
  let code = 1_006;
  let waiting: { readonly count: number; readonly resolve: () => void } | undefined;
  const read = (chunk: Buffer): void => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let frame = frameOf(rest); frame !== undefined; frame = frameOf(rest)) {
      rest = rest.subarray(frame.end);
      if (frame.kind === textFrame) texts += 1;
      if (frame.kind === closeFrame) {
        code = frame.payload.length >= 2 ? frame.payload.readUInt16BE(0) : code;
        socket.end();
      }
    }
    if (waiting && texts >= waiting.count) waiting.resolve();
  };
  const closed = new Promise<number>((resolve) => {
    socket.once('close', () => resolve(code));
  });
  read(first);
  socket.on('data', read);
  socket.on('error', () => undefined);
  return {
    texts: () => texts,
    untilTexts: (count) =>
      inTime(
        `text ${count}`,
        new Promise((resolve) => {
          if (texts >= count) resolve();
          else waiting = { count, resolve };
        }),
      ),
    untilClosed: () => inTime('the end of a socket', closed),
    end: () => socket.destroy(),
  };
}

async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${waitMs} ms`)), waitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function frameOf(bytes: Buffer): { readonly kind: number; readonly payload: Buffer; readonly end: number } | undefined {
  const [kind, short] = bytes;
  if (kind === undefined || short === undefined) return undefined;
  const isLong = short === 126;
  if (isLong && bytes.length < 4) return undefined;
  const start = isLong ? 4 : 2;
  const end = start + (isLong ? bytes.readUInt16BE(2) : short);
  return bytes.length < end ? undefined : { kind, payload: bytes.subarray(start, end), end };
}
