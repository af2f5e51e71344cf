import { describe, expect, it } from 'vitest';
import type { Acknowledged } from '../load/desk.ts';
import { acknowledgedFaults, type KeptRows } from './acknowledged.ts';

const made: Acknowledged = {
  clients: ['c1'],
  loans: new Map([['l1', 200]]),
  payments: new Map([
    ['p1', { loanId: 'l1', amount: 100 }],
    ['p2', { loanId: 'l1', amount: 100 }],
  ]),
  faults: [],
};
const first = { id: 'p1', loan_id: 'l1', cents: '10000', events: '1' };
const second = { id: 'p2', loan_id: 'l1', cents: '10000', events: '1' };
const loan = { id: 'l1', status: 'PAID_OFF', lent: '20000', owed: '0' };
const kept: KeptRows = { clients: [{ id: 'c1' }], loans: [loan], payments: [first, second] };

describe('what was confirmed', () => {
  it('is there, and nothing else', () => expect(acknowledgedFaults(kept, made)).toEqual([]));

  it.each<[string, Partial<KeptRows>, string[]]>([
    ['a client that is gone', { clients: [] }, ['Client c1 was confirmed and is not there']],
    [
      'a payment that nobody was told of',
      { payments: [first, second, { ...second, id: 'p3' }] },
      ['Payment p3 is there and was not confirmed'],
    ],
    ['a payment that is gone', { payments: [first] }, ['Payment p2 was confirmed and is not there']],
    [
      'a payment of another amount',
      { payments: [first, { ...second, cents: '9900' }] },
      ['Payment p2 is 9900 cents of loan l1, which nobody has paid'],
    ],
    ['a payment without an event', { payments: [first, { ...second, events: '0' }] }, ['Payment p2 has 0 events']],
    ['a payment with two', { payments: [first, { ...second, events: '2' }] }, ['Payment p2 has 2 events']],
    [
      'a loan that still owes',
      { loans: [{ ...loan, status: 'ACTIVE', owed: '10000' }] },
      ['Loan l1 of 20000 cents, of which 20000 were paid, is ACTIVE and owes 10000'],
    ],
    [
      'a loan that is not closed',
      { loans: [{ ...loan, status: 'ACTIVE' }] },
      ['Loan l1 of 20000 cents, of which 20000 were paid, is ACTIVE and owes 0'],
    ],
  ])('is not with %s', (_, change, faults) => {
    expect(acknowledgedFaults({ ...kept, ...change }, made)).toEqual(faults);
  });
});
