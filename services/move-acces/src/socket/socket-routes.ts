import { type Route, routesOf, type SocketRoute, unauthenticated } from '@quinta/platform/http';
import { invalidTokenHeaders, tokenInvalid } from '@quinta/platform/identity';
import { recordAudit } from '@quinta/platform/audit';
import type { Context } from '@quinta/platform/kernel';
import { z } from 'zod';
import type { MoveAcces } from '../app.ts';
import { apiLimit } from '../limits.ts';
import { tooManySockets } from '../problems.ts';
import { type Entrant, hasRoom, speakWith } from './member-connection.ts';
import { issueTicket, spendTicket, ticketSeconds } from './tickets.ts';

const { signedInRoute } = routesOf<MoveAcces>();

/** A client offers this protocol and a second one, `bearer.<access token>`, where it can set no header. */
const protocolName = 'move-acces';
const bearerProtocol = 'bearer.';

export const ticketRoutes: readonly Route<MoveAcces>[] = [
  signedInRoute({
    method: 'POST',
    path: '/ws/ticket',
    operation: 'socket.ticket',
    summary: 'A ticket for one connection from this address: /ws?ticket=…',
    tag: 'socket',
    replies: { 201: z.object({ ticket: z.string(), expires_in: z.int() }) },
    problems: ['tickets_unavailable'],
    handle: async ({ app, context, actor }) => {
      const { id, name, role, sessionId, expiresAt } = actor;
      const holder = { id, name, role, sessionId, address: context.client.address };
      const ticket = await issueTicket(app.keyValue, { ...holder, expiresAtMs: expiresAt?.getTime() ?? 0 });
      return { status: 201, body: { ticket, expires_in: ticketSeconds } };
    },
  }),
];

export const socketRoutes: readonly SocketRoute<MoveAcces>[] = [
  {
    path: '/ws',
    operation: 'socket.open',
    rateLimit: (app) => apiLimit(app),
    accept: async ({ app, context, query, protocols }) => {
      const offered = protocols.find((one) => one.startsWith(bearerProtocol))?.slice(bearerProtocol.length);
      const entrant = await entrantOf(app, context, {
        ticket: query.get('ticket'),
        token: offered ?? query.get('token'),
      });
      refuseTooMany(app, Number(entrant.id));
      await app.database.transact((tx) =>
        recordAudit(tx, context, {
          action: 'ws_connect',
          resourceType: 'session',
          resourceId: entrant.sessionId,
          userId: Number(entrant.id),
        }),
      );
      return {
        ...(protocols.includes(protocolName) ? { protocol: protocolName } : {}),
        open: (connection) => speakWith(app, context, entrant, connection),
      };
    },
  },
];

/** @throws Problem unauthenticated, token_invalid or token_expired */
async function entrantOf(
  app: MoveAcces,
  context: Context,
  { ticket, token }: { readonly ticket: string | null; readonly token: string | null },
): Promise<Entrant> {
  if (ticket !== null) {
    const holder = await spendTicket(app.keyValue, ticket, context.client.address);
    if (!holder || (await app.revocations.isRevoked(holder.sessionId))) throw refused();
    return holder;
  }
  if (token === null || token === '') throw unauthenticated({}, { headers: { 'www-authenticate': 'Bearer' } });
  const verified = await app.tokens.verify(token);
  if (await app.revocations.isRevoked(verified.sessionId)) throw refused();
  return { ...verified, expiresAtMs: verified.expiresAt.getTime() };
}

function refused() {
  return tokenInvalid({}, { headers: invalidTokenHeaders });
}

function refuseTooMany(app: MoveAcces, memberId: number): void {
  if (hasRoom(app, memberId)) return;
  throw tooManySockets({}, { headers: { 'retry-after': '60' } });
}
