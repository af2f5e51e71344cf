import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineStates } from './states.ts';

const vale = defineStates({ issued: ['redeemed', 'void'], redeemed: [], void: [] });
const light = defineStates({ red: ['green'], green: ['amber'], amber: ['red', 'green'] });

describe('a table of states', () => {
  it('allows the moves that it names, and staying is none', () => {
    const moves = vale.states.flatMap((from) =>
      vale.states.filter((to) => vale.allows(from, to)).map((to) => [from, to]),
    );
    expect(moves).toEqual([
      ['issued', 'redeemed'],
      ['issued', 'void'],
    ]);
  });

  it('knows where one can come from, and where nothing follows', () => {
    expect([light.sourcesOf('green'), light.sourcesOf('red'), vale.sourcesOf('issued')]).toEqual([
      ['red', 'amber'],
      ['amber'],
      [],
    ]);
    expect([vale.isFinal('issued'), vale.isFinal('void'), light.isFinal('red')]).toEqual([false, true, false]);
  });

  it('says the same both ways', () => {
    const state = fc.constantFrom(...light.states);
    fc.assert(
      fc.property(state, state, (from, to) => {
        expect(light.sourcesOf(to).includes(from)).toBe(light.allows(from, to));
      }),
    );
  });

  it('names no state that is not in it', () => {
    // @ts-expect-error a move leads to a state of the table
    expect(defineStates({ open: ['shut'] }).states).toEqual(['open']);
    // @ts-expect-error and only its own states are asked for
    expect(() => vale.isFinal('lost')).toThrow(TypeError);
  });
});
