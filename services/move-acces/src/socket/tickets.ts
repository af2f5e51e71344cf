import { randomBytes } from 'node:crypto';
import { type KeyValue, KeyValueUnavailable } from '@quinta/platform/keyvalue';
import type { Actor } from '@quinta/platform/kernel';
import { z } from 'zod';
import { ticketsUnavailable } from '../problems.ts';

/** A ticket stands for an access token in one handshake, so that the token stands in no URL. */
export const ticketSeconds = 30;

const ticketForm = /^[\w-]{43}$/;
const kept = z.object({
  id: z.string(),
  name: z.string(),
  role: z.string(),
  sessionId: z.string(),
  expiresAtMs: z.number(),
  address: z.string(),
});

/** Whom a ticket lets in, until when, and from where. */
export interface TicketHolder extends Omit<Actor, 'expiresAt'> {
  readonly expiresAtMs: number;
  readonly address: string;
}

/** @throws Problem tickets_unavailable where the key-value store is gone: then the token itself must be sent */
export async function issueTicket(keyValue: KeyValue, holder: TicketHolder): Promise<string> {
  const ticket = randomBytes(32).toString('base64url');
  await reached(keyValue.set(keyOf(ticket), JSON.stringify(holder), { ttlMs: ticketSeconds * 1_000 }));
  return ticket;
}

/** Spends a ticket: of two who show the same one, one gets in. Undefined for one that is none, or from elsewhere. */
export async function spendTicket(
  keyValue: KeyValue,
  ticket: string,
  address: string,
): Promise<TicketHolder | undefined> {
  if (!ticketForm.test(ticket)) return undefined;
  const text = await reached(keyValue.get(keyOf(ticket)));
  if (text === undefined || !(await reached(keyValue.delete(keyOf(ticket))))) return undefined;
  const holder = kept.parse(JSON.parse(text));
  return holder.address === address ? holder : undefined;
}

async function reached<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof KeyValueUnavailable)) throw error;
    throw ticketsUnavailable({}, { cause: error, headers: { 'retry-after': '1' } });
  }
}

function keyOf(ticket: string): string {
  return `move-acces:ticket:${ticket}`;
}
