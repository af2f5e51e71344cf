import type { SocketConnection, SocketListener } from '@quinta/platform/http';
import type { VerifiedToken } from '@quinta/platform/identity';
import { type Context, Problem } from '@quinta/platform/kernel';
import { z } from 'zod';
import type { MoveAcces } from '../app.ts';
import { closeCodes, type MemberSocket } from './hub.ts';

/** What a client says. */
const messageForm = z.looseObject({ type: z.string(), payload: z.unknown(), token: z.unknown() }).partial();

/** Texts a client may send in a second, over a second or two: a flood is cut off. */
const textsPerSecond = 50;
const textsBurst = 100;

/** Who has connected, and until when their token is good. */
export type Entrant = Pick<VerifiedToken, 'id' | 'name' | 'sessionId'> & { readonly expiresAtMs: number };

/** Speaks with one connection: welcome, echo, ping, a new token, and errors for the rest. */
export function speakWith(
  app: MoveAcces,
  context: Context,
  entrant: Entrant,
  connection: SocketConnection,
): SocketListener {
  const say = (message: Readonly<Record<string, unknown>>): void => connection.send(JSON.stringify(message));
  const socket: MemberSocket = {
    memberId: Number(entrant.id),
    sessionId: entrant.sessionId,
    expiresAtMs: entrant.expiresAtMs,
    isWarned: false,
    connection,
  };
  const admits = textBudget(() => app.clock.now().getTime());
  // Other handshakes of the member may have ended while this one was decided, and so may the session.
  if (!hasRoom(app, socket.memberId)) connection.close(closeCodes.tooMany, 'Too many connections');
  else {
    app.hub.add(socket);
    closeIfRevoked(app, context, socket);
  }
  say({ type: 'welcome', message: `Welcome ${entrant.name}!` });

  const answer = async (text: string): Promise<void> => {
    const message = messageForm.safeParse(parsed(text));
    if (!message.success) return say({ type: 'error', message: 'Invalid JSON' });
    const { type = '', payload, token } = message.data;
    if (type === 'ping') say({ type: 'pong' });
    else if (type === 'echo') say({ type: 'echo', payload: payload ?? null, from: 'server' });
    else if (type === 'authenticate') await renew(app, socket, token, say);
    else say({ type: 'error', message: `Unknown message type: ${type.slice(0, 100)}` });
  };

  return {
    onText: (text) => {
      if (!admits()) return connection.close(closeCodes.tooMany, 'Too many messages');
      answer(text).catch((error: unknown) => {
        context.log.error({ error }, 'A message could not be answered');
        connection.close(1_011, 'Internal error');
      });
    },
    onClose: (code) => {
      app.hub.remove(socket);
      app.closings.record({ context, memberId: socket.memberId, sessionId: socket.sessionId, code });
    },
  };
}

/** Whether the member, and the process, may have one more connection. */
export function hasRoom({ hub, config }: MoveAcces, memberId: number): boolean {
  return hub.countOf(memberId) < config.SOCKETS_PER_MEMBER && hub.size < config.SOCKETS_PER_PROCESS;
}

/** From here on the hub hears of the session's end; before, nobody did. What cannot be found out counts as ended. */
function closeIfRevoked(app: MoveAcces, context: Context, { sessionId, connection }: MemberSocket): void {
  const close = (): void => connection.close(closeCodes.revoked, 'Session revoked');
  const isRevoked = app.revocations.isRevoked(sessionId);
  if (isRevoked === true) close();
  if (!(isRevoked instanceof Promise)) return;
  isRevoked
    .then((is) => is && close())
    .catch((error: unknown) => {
      context.log.warn({ error }, 'Whether a session has ended cannot be told: its socket is closed');
      close();
    });
}

/** A new access token of the same member and session keeps the connection open. */
async function renew(
  app: MoveAcces,
  socket: MemberSocket,
  token: unknown,
  say: (message: Readonly<Record<string, unknown>>) => void,
): Promise<void> {
  const verified = typeof token === 'string' ? await verifiedOrUndefined(app, token) : undefined;
  const isTheirs = verified?.id === String(socket.memberId) && verified.sessionId === socket.sessionId;
  if (!verified || !isTheirs) return say({ type: 'error', message: 'Could not validate credentials' });
  socket.expiresAtMs = verified.expiresAt.getTime();
  socket.isWarned = false;
  const leftMs = socket.expiresAtMs - app.clock.now().getTime();
  say({ type: 'authenticated', expires_in: Math.floor(leftMs / 1000) });
}

async function verifiedOrUndefined(app: MoveAcces, token: string): Promise<VerifiedToken | undefined> {
  try {
    const verified = await app.tokens.verify(token);
    return (await app.revocations.isRevoked(verified.sessionId)) ? undefined : verified;
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return undefined;
    throw error;
  }
}

/** A bucket of texts that fills again with time. */
function textBudget(nowMs: () => number): () => boolean {
  let left = textsBurst;
  let atMs = nowMs();
  return () => {
    const now = nowMs();
    left = Math.min(textsBurst, left + ((now - atMs) / 1000) * textsPerSecond) - 1;
    atMs = now;
    return left >= 0;
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no JSON: answered as such
  }
}
