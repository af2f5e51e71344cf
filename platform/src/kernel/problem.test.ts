import { describe, expect, expectTypeOf, it } from 'vitest';
import { defineProblem, Problem } from './problem.ts';

const used = defineProblem('ticket_used', 409, 'Conflict', 'Ticket {id} was used at {at} by {by}.');
const plain = defineProblem('not_there', 404, 'Not Found', 'There is nothing here.');

describe('a problem', () => {
  it('says what its definition says, with its values filled in', () => {
    const problem = used({ id: 7, at: '21:04', by: 'Kim' });
    expect(problem).toBeInstanceOf(Problem);
    expect(problem).toBeInstanceOf(Error);
    expect(problem).toMatchObject({ code: 'ticket_used', status: 409, title: 'Conflict', name: 'Problem' });
    expect(problem.message).toBe('Ticket 7 was used at 21:04 by Kim.');
    expect([problem.errors, problem.members, problem.headers, problem.cause]).toEqual([undefined, {}, {}, undefined]);
  });

  it('carries what clients read beside it, and its cause', () => {
    const cause = new Error('inner');
    const errors = [{ loc: ['body', 'x'], msg: 'bad', type: 'bad' }];
    const problem = plain({}, { errors, members: { hint: 'left' }, headers: { allow: 'GET' }, cause });
    expect(problem).toMatchObject({ errors, members: { hint: 'left' }, headers: { allow: 'GET' } });
    expect(problem.cause).toBe(cause);
  });

  it('fills values in once: what looks like a placeholder in a value stays a value', () => {
    expect(used({ id: '{by}', at: '$&', by: '$1{id}' }).message).toBe('Ticket {by} was used at $& by $1{id}.');
  });

  it('is described by its definition, for the catalogue', () => {
    expect(used.definition).toEqual({
      code: 'ticket_used',
      status: 409,
      title: 'Conflict',
      sentence: 'Ticket {id} was used at {at} by {by}.',
      fields: ['id', 'at', 'by'],
    });
    expect(plain.definition.fields).toEqual([]);
  });

  it('asks for the values of its sentence, and no other', () => {
    expectTypeOf(used).parameter(0).toEqualTypeOf<Record<'id' | 'at' | 'by', string | number>>();
    expectTypeOf(plain).parameter(0).toEqualTypeOf<Record<string, never> | undefined>();
    // @ts-expect-error a value is missing; the sentence shows which
    expect(used({ id: 1, at: 'noon' }).message).toBe('Ticket 1 was used at noon by {by}.');
  });
});
