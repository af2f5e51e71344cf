import { describe, expect, it } from 'vitest';
import { medianText, parseCount, shortNumber, spreadText } from './numbers.ts';

describe('a number', () => {
  it.each([
    [0, '0'],
    [1_234_567, '1,234,567'],
    [128.4, '128'],
    [12.84, '12.8'],
    [1.284, '1.28'],
    [0.1284, '0.128'],
    [-12.84, '-12.8'],
    [NaN, '–'],
    [Infinity, '–'],
  ])('%d reads %s', (value, text) => {
    expect(shortNumber(value)).toBe(text);
  });
});

it('tells the least and the most of several rounds, and of one the value alone', () => {
  expect(spreadText({ median: 1.87, min: 1.8, max: 1.93 })).toBe('1.87 (1.8 to 1.93)');
  expect(spreadText({ median: 2, min: 2, max: 2 })).toBe('2');
  expect(medianText({ median: 1.87, min: 1.8, max: 1.93 })).toBe('1.87');
});

it('says of nothing that it is nothing', () => {
  expect([spreadText(undefined), medianText(undefined)]).toEqual(['–', '–']);
});

describe('a count that a person wrote', () => {
  it.each([
    ['5', 5],
    ['1e6', 1_000_000],
    ['1E3', 1_000],
    ['1e10', 10_000_000_000],
    ['1,000,000', 1_000_000],
    ['1_000', 1_000],
    ['', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e-3', undefined],
    ['1e99', undefined],
    ['many', undefined],
  ])('%j is %d', (text, count) => {
    expect(parseCount(text)).toBe(count);
  });
});
