import { createHash } from 'node:crypto';
import type { DeadLetter, Death, IncomingMessage } from './contract.ts';
import type { RabbitMessage } from './rabbitmq-link.ts';
import { burialOf, deathHeaders, type Parcel } from './rabbitmq-publisher.ts';

/** A message as a handler sees it. One without an id gets that of its text, so that it is the same each time. */
export function incomingOf(message: RabbitMessage): IncomingMessage {
  const body = textOf(message.body);
  return {
    id: message.messageId ?? `sha256:${createHash('sha256').update(body).digest('hex')}`,
    eventType: message.type ?? '',
    routingKey: headerOf(message, deathHeaders.routingKey) ?? message.routingKey,
    occurredAt: message.timestamp === undefined ? undefined : new Date(message.timestamp * 1_000),
    body,
    isRedelivered: message.redelivered,
  };
}

/** A message on its way to the dead letters of its queue. */
export function burialParcel(queue: string, message: RabbitMessage, { reason, attempts, firstTriedAt }: Death): Parcel {
  const incoming = incomingOf(message);
  return {
    ...burialOf(queue),
    ...contentOf(incoming),
    headers: {
      [deathHeaders.reason]: reason.slice(0, reasonLengthMax),
      [deathHeaders.attempts]: attempts,
      [deathHeaders.firstTriedAt]: firstTriedAt.toISOString(),
      [deathHeaders.diedAt]: new Date().toISOString(),
      [deathHeaders.exchange]: message.exchange,
      [deathHeaders.routingKey]: incoming.routingKey,
    },
  };
}

/** A dead letter on its way back; it keeps the routing key that it once came with. */
export function replayParcel(queue: string, message: RabbitMessage): Parcel {
  const incoming = incomingOf(message);
  return {
    exchange: '',
    routingKey: queue,
    isExpected: true,
    ...contentOf(incoming),
    headers: { [deathHeaders.routingKey]: incoming.routingKey },
  };
}

export function deadLetterOf(queue: string, message: RabbitMessage): DeadLetter {
  const { id, eventType, routingKey, body } = incomingOf(message);
  return {
    id,
    queue,
    eventType,
    routingKey,
    reason: headerOf(message, deathHeaders.reason) ?? '',
    attempts: Number(headerOf(message, deathHeaders.attempts) ?? 0),
    firstTriedAt: instantOf(headerOf(message, deathHeaders.firstTriedAt)),
    diedAt: instantOf(headerOf(message, deathHeaders.diedAt)),
    body,
  };
}

const reasonLengthMax = 500;

function contentOf({ id, eventType, body, occurredAt }: IncomingMessage) {
  return { id, type: eventType, body, occurredAt } satisfies Partial<Parcel>;
}

/** The driver reads JSON and plain text by itself, where the sender named no encoding. */
function textOf(body: unknown): string {
  if (Buffer.isBuffer(body)) return body.toString('utf8');
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function headerOf({ headers }: RabbitMessage, name: string): string | undefined {
  const value: unknown = headers?.[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function instantOf(text: string | undefined): Date | undefined {
  const instant = new Date(text ?? Number.NaN);
  return Number.isNaN(instant.getTime()) ? undefined : instant;
}
