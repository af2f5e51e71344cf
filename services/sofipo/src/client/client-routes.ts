import { limitParameter, type Route, routesOf } from '@quinta/platform/http';
import type { Cached } from '@quinta/platform/keyvalue';
import { z } from 'zod';
import type { Sofipo } from '../app.ts';
import { cacheHeader } from '../caches.ts';
import { clientNotFound } from '../problems.ts';
import { everybody, nameOf } from '../read-your-writes.ts';
import { isOpenToAll, keyParameter, skipParameter } from '../reading.ts';
import { type Client, clientChangeInput, clientInput, clientOf, clientOutput, rfcParams } from './client.ts';
import { findClient, findClientByRfc, listClients } from './client-store.ts';
import { changeClient, deleteClient, registerClient } from './keep-client.ts';

const { route, signedInRoute, publicRoute } = routesOf<Sofipo>();
const tag = 'clients';
const clientParams = z.object({ client_id: keyParameter });

export const clientRoutes: readonly Route<Sofipo>[] = [
  route({
    method: 'POST',
    path: '/clients',
    operation: 'client.create',
    summary: 'Register a client',
    tag,
    body: clientInput,
    replies: { 201: clientOutput },
    problems: ['rfc_taken', 'email_taken', 'idempotency_key_reused', 'idempotency_running'],
    isIdempotent: true,
    handle: async ({ app, context, body, idempotencyKey }) => {
      const answer = await registerClient(app, context, body, idempotencyKey);
      return { status: 201, body: answer.body, headers: answer.isReplay ? { 'idempotency-replayed': 'true' } : {} };
    },
  }),
  // The README calls this one public; the others are as PUBLIC_READS says.
  publicRoute({
    method: 'GET',
    path: '/clients/:rfc',
    operation: 'client.find_by_rfc',
    summary: 'A client by RFC; the header X-Cache says whether the answer was kept',
    tag,
    params: rfcParams,
    replies: { 200: clientOutput },
    problems: ['client_not_found'],
    handle: async ({ app, params: { rfc } }) => {
      const { value, status } = await clientByRfc(app, rfc);
      return { status: 200, body: value, headers: cacheHeader(status) };
    },
  }),
  signedInRoute({
    method: 'GET',
    path: '/clients',
    operation: 'client.list',
    summary: 'Clients in the order in which they were registered',
    tag,
    isOpenToAll,
    query: z.strictObject({ skip: skipParameter, limit: limitParameter(100, 1_000) }),
    replies: { 200: z.array(clientOutput) },
    handle: async ({ app, context, query }) => ({
      status: 200,
      body: (await listClients(app.reads(context), query)).map(clientOf),
    }),
  }),
  signedInRoute({
    method: 'GET',
    path: '/clients/id/:client_id',
    operation: 'client.find',
    summary: 'A client by key',
    tag,
    isOpenToAll,
    params: clientParams,
    replies: { 200: clientOutput },
    problems: ['client_not_found'],
    handle: async ({ app, context, params: { client_id: id } }) => {
      const row = await findClient(app.reads(context, `client:${id}`), id);
      if (!row) throw clientNotFound();
      return { status: 200, body: clientOf(row) };
    },
  }),
  route({
    method: 'PUT',
    path: '/clients/:client_id',
    operation: 'client.update',
    summary: 'Change a client’s name or address; what is left out stays',
    tag,
    params: clientParams,
    body: clientChangeInput,
    replies: { 200: clientOutput },
    problems: ['client_not_found', 'email_taken'],
    handle: async ({ app, context, params, body }) => ({
      status: 200,
      body: await changeClient(app, context, params.client_id, body),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/clients/:client_id',
    operation: 'client.delete',
    summary: 'Delete a client who never had a loan',
    tag,
    params: clientParams,
    replies: { 204: null },
    problems: ['client_not_found', 'client_has_loans'],
    handle: async ({ app, context, params }) => {
      await deleteClient(app, context, params.client_id);
      return { status: 204, body: undefined };
    },
  }),
];

/**
 * Who is not there may be in a moment, so nobody's absence is kept. What is kept is read from the replica, but never what
 * is older than a write: that notes the name before it drops what was kept under it, so a fill that begins after the drop
 * is sent to the primary, and one that began before is not kept.
 */
function clientByRfc({ caches, reads }: Sofipo, rfc: string): Promise<Cached<Client>> {
  const fill = async (): Promise<Client> => {
    const row = await findClientByRfc(reads(everybody, `rfc:${rfc}`), rfc);
    if (!row) throw clientNotFound();
    return clientOf(row);
  };
  return caches.clients.read({ key: rfc, tags: [nameOf(`rfc:${rfc}`)], fill });
}
