import { describe, expect, it } from 'vitest';

import { normalizeRfc, parseRfc, rfcCheckDigit } from './rfc.ts';

describe('the check digit of an RFC', () => {
  it.each([
    ['GODE561231GR', '8'],
    ['SAT970701NN', '3'],
    ['COSC8001137N', 'A'],
    ['SORC591116FJ', '6'],
    ['CAMA911215CJ', '0'],
    ['DIM8701081L', 'A'],
    ['A&A050908GT', '0'],
    ['AÑÑ801231JK', '0'],
    ['AECS211112JP', 'A'],
    ['OOGE52071115', '1'],
    ['NAVG56032962', '1'],
    ['ZATJ870805CK', '6'],
    ['APU640930KV', '9'],
    ['MAB9307148T', '4'],
    ['PEPJ800101HN', '5'],
    ['XAXX01010100', '4'],
  ])('of %s is %s', (body, digit) => {
    expect(rfcCheckDigit(body)).toBe(digit);
  });
});

describe('an RFC', () => {
  it.each([
    ['GODE561231GR8', 'person', 'ok'],
    ['SAT970701NN3', 'company', 'ok'],
    ['A&A050908GT0', 'company', 'ok'],
    ['AÑÑ801231JK0', 'company', 'ok'],
    ['NAVG560329621', 'person', 'ok'],
    ['ZATJ870805CK6', 'person', 'ok'],
    ['OOGE520711151', 'person', 'ok'],
    ['AECS211112JPA', 'person', 'ok'],
    ['APU640930KV9', 'company', 'ok'],
    ['PEPJ800101HNE', 'person', 'mismatch'],
    ['SIN9311169P8', 'company', 'mismatch'],
    ['VACE460910SX6', 'person', 'mismatch'],
    ['XAXX010101000', 'person', 'generic'],
    ['XEXX010101000', 'person', 'generic'],
    ['ABC000229AA1', 'company', 'mismatch'],
  ])('%s is a %s with check %s', (rfc, kind, check) => {
    expect(parseRfc(rfc)).toEqual({ rfc, kind, check });
  });

  it.each(['gode561231gr8', ' GODE-561231-GR8 ', 'GODE 561231 GR 8'])('%s is normalised', (text) => {
    expect(parseRfc(text)?.rfc).toBe('GODE561231GR8');
  });

  it('counts Ñ as one letter, composed or not', () => {
    expect(normalizeRfc('an\u0303n\u0303801231jk0')).toBe('AÑÑ801231JK0');
  });

  it.each([
    ['too short', 'GODE561231'],
    ['too long', 'GODE561231GR88'],
    ['a month that is none', 'GODE331403GR8'],
    ['a day that is none', 'GODE010229GR8'],
    ['digits among the letters', 'RT0840921REA'],
    ['an unseemly word', 'CACA580710NF7'],
    ['letters of another script', 'ГODE561231GR8'],
    ['nothing', ''],
  ])('is refused: %s', (_, text) => {
    expect(parseRfc(text)).toBeUndefined();
  });
});
