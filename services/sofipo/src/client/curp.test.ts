import { describe, expect, it } from 'vitest';

import { curpCheckDigit, parseCurp } from './curp.ts';

describe('a CURP', () => {
  it.each([
    ['BOXW310820HNERXN0', '9'],
    ['HEGG560427MVZRRL0', '4'],
    ['BEML920313HMCLNS0', '9'],
    ['PEGL890909MJCRMS0', '8'],
  ])('%s ends in %s', (body, digit) => {
    expect(curpCheckDigit(body)).toBe(digit);
    expect(parseCurp(body + digit)).toBe(body + digit);
  });

  it('is normalised', () => {
    expect(parseCurp(' boxw-310820 hnerxn09')).toBe('BOXW310820HNERXN09');
  });

  it.each([
    ['a wrong check digit', 'BOXW310820HNERXN08'],
    ['a day that is none', 'BOXW310230HNERXN09'],
    ['a state that is none', 'BOXW310820HXXRXN09'],
    ['a vowel among the consonants', 'BOXW310820HNEAXN09'],
    ['one letter too few', 'BOXW310820HNERXN0'],
  ])('is refused: %s', (_, text) => {
    expect(parseCurp(text)).toBeUndefined();
  });
});
