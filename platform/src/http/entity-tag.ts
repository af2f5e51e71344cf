import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { preconditionFailed } from './problems.ts';

/**
 * Answers with a validator of the answer's own bytes (RFC 9110 section 8.8.3; weak, because compression keeps it). A
 * GET whose `If-None-Match` holds it already is a 304.
 */
export function sendTagged(body: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const text = textOf(body, reply);
  const tag = tagOf(text);
  reply.header('etag', tag).header('cache-control', 'private, no-cache');
  if (request.method === 'GET' && holds(request.headers['if-none-match'], tag)) return reply.status(304).send();
  return reply
    .type('application/json; charset=utf-8')
    .serializer((same: string) => same)
    .send(text);
}

/**
 * Refuses a change of what the client has not seen as it is now: `If-Match` names none of `current`, the body that a GET
 * would answer. Tags are compared without their `W/`, since they are made of all that the answer says.
 * @throws Problem precondition_failed
 */
export function requireMatch(current: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const wanted = request.headers['if-match'];
  if (wanted === undefined) return;
  const tag = tagOf(textOf(current, reply));
  if (!holds(wanted, tag)) throw preconditionFailed({ tag });
}

function textOf(body: unknown, reply: FastifyReply): string {
  return String(reply.serializeInput(body as Record<string, unknown>, '200'));
}

function tagOf(text: string): string {
  return `W/"${hash('sha1', text, 'base64url')}"`;
}

/** RFC 9110 sections 13.1.1 and 13.1.2: `*` is any, and a strong tag is as good as its weak form. */
function holds(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  const held = new Set(header.split(',').map((one) => one.trim().replace(/^(?=")/, 'W/')));
  return held.has('*') || held.has(tag);
}
