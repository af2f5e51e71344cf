import { describe, expect, it } from 'vitest';
import { differencesOf, normaliseRows, type Row } from './normalised-rows.ts';

function pairOf(id: number, changed: { vale?: Row; audit?: Row; values?: Row } = {}): [vale: Row, audit: Row] {
  const vale = {
    id,
    user_id: 100 + id,
    request_id: `0000000${id}-0000-4000-8000-000000000000`,
    amount: 125.5,
    description: 'Safety gloves',
    issued_by: id + 1,
    state: 'issued',
    created_at: `2026-01-31T15:04:0${id}`,
    redeemed_at: null,
    ...changed.vale,
  };
  const { user_id, request_id, description, state } = vale;
  const audit = {
    id: id * 10,
    request_id: `0000000${id}-0000-4000-9000-000000000000`,
    user_id: vale.issued_by,
    action: 'create',
    resource_type: 'vale',
    resource_id: id,
    old_values: null,
    new_values: { id, user_id, request_id, amount: '125.50', description, state, ...changed.values },
    endpoint: '/api/v1/vales',
    method: 'POST',
    ip_address: '127.0.0.1',
    user_agent: 'bench',
    created_at: `2026-01-31T15:04:0${id}`,
    ...changed.audit,
  };
  return [vale, audit];
}

const mexa = normaliseRows(...pairOf(1));

describe('the rows of two contestants', () => {
  it('are the same but for keys, times, and who drew for whom', () => {
    expect(differencesOf(normaliseRows(...pairOf(2)), mexa)).toEqual([]);
  });

  it.each<[string, Parameters<typeof pairOf>[1], string]>([
    ['a state', { vale: { state: 'open' } }, 'vale.state'],
    ['a column that should be empty', { vale: { redeemed_at: '2026-01-31' } }, 'vale.redeemed_at'],
    ['who did it', { audit: { user_id: 99 } }, 'audit.user_id'],
    ['another voucher', { audit: { resource_id: 99 } }, 'audit.resource_id'],
    ['an address that is missing', { audit: { ip_address: null } }, 'audit.ip_address'],
    ['a request id that is missing', { audit: { request_id: null } }, 'audit.request_id'],
    ['an amount as a number', { values: { amount: 125.5 } }, 'audit.new_values'],
    ['an amount that is not the voucher’s', { values: { amount: '125.51' } }, 'audit.new_values'],
    ['a field too many', { values: { colour: 'red' } }, 'audit.new_values'],
    ['a field too few', { audit: { new_values: { id: 2 } } }, 'audit.new_values'],
    ['no values', { audit: { new_values: null } }, 'audit.new_values'],
  ])('differ in %s', (_, changed, where) => {
    const differences = differencesOf(normaliseRows(...pairOf(2, changed)), mexa);
    expect(differences).toHaveLength(1);
    expect(differences[0]).toContain(where);
  });

  it('may differ in columns of the audit that are not promised', () => {
    expect(differencesOf(normaliseRows(...pairOf(2, { audit: { salt: 'x' } })), mexa)).toEqual([]);
  });
});
