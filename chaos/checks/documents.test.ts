import { describe, expect, it } from 'vitest';
import type { WrittenDocument } from '../parts/documents.ts';
import { documentFaults, type OutboxEvent } from './documents.ts';

const occurredAt = new Date('2026-01-31T15:04:05.678Z');
const eventOf = (id: string, key: string): OutboxEvent => ({
  id,
  event_type: 'payment_registered',
  entity_id: `payment of ${id}`,
  order_key: key,
  payload: { amount: '100.00' },
  occurred_at: occurredAt,
  version: 1,
  request_id: null,
});
const documentOf = (id: string, more: object = {}): WrittenDocument => ({
  _id: id,
  _rev: '1-a',
  event_type: 'payment_registered',
  entity_id: `payment of ${id}`,
  payload: { amount: '100.00' },
  timestamp: '2026-01-31T15:04:05.678Z',
  event_id: id,
  version: 1,
  request_id: null,
  ...more,
});

const events = [eventOf('a1', 'a'), eventOf('b1', 'b'), eventOf('a2', 'a'), eventOf('a3', 'a')];
const written = (...ids: string[]): WrittenDocument[] => ids.map((id) => documentOf(id));

describe('documents', () => {
  it.each([[['a1', 'b1', 'a2', 'a3']], [['a1', 'a2', 'b1', 'a3']], [['a1', 'a2', 'a3', 'b1']]])(
    'are good in the order of each key: %j',
    (ids) => expect(documentFaults(events, written(...ids))).toEqual([]),
  );

  it.each<[string, WrittenDocument[], string[]]>([
    ['a missing one', written('a1', 'b1', 'a3'), ['Event a2 (payment_registered) has no document']],
    ['one of no event', written('a1', 'b1', 'a2', 'x', 'a3'), ['Document x is no event']],
    ['one that is there twice', written('a1', 'b1', 'a2', 'a3', 'b1'), ['Document b1 is there 2 times']],
    [
      'an order that is none',
      written('a2', 'b1', 'a1', 'a3'),
      ['Event a1 (payment_registered) was written behind a later one of a'],
    ],
    [
      'another content',
      [documentOf('a1', { payload: { amount: '100.01' } }), ...written('b1', 'a2', 'a3')],
      ['The document of Event a1 (payment_registered) differs'],
    ],
    [
      'one that was written over',
      [documentOf('a1', { _rev: '2-b' }), ...written('b1', 'a2', 'a3')],
      ['The document of Event a1 (payment_registered) was written again'],
    ],
  ])('are not with %s', (_, documents, faults) => {
    expect(documentFaults(events, documents)).toEqual(faults);
  });
});
