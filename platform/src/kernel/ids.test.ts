import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUuid, uuidFromBytes, uuidV7, uuidV7FromHex, uuidV8 } from './ids.ts';

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

describe('a UUID', () => {
  it.each([
    ['0190f3a2-5c1e-7a43-9a51-0f2a6d1c9e11', true],
    ['0190F3A2-5C1E-7A43-9A51-0F2A6D1C9E11', true],
    ['00000000-0000-0000-0000-000000000000', true],
    ['0190f3a25c1e7a439a510f2a6d1c9e11', false],
    ['{0190f3a2-5c1e-7a43-9a51-0f2a6d1c9e11}', false],
    ['0190f3a2-5c1e-7a43-9a51-0f2a6d1c9e1g', false],
    ['0190f3a2-5c1e-7a43-9a51-0f2a6d1c9e11\n', false],
    ['', false],
  ])('%j: %s', (text, is) => {
    expect(isUuid(text)).toBe(is);
  });

  it('is made of sixteen bytes, wherever in their buffer they lie', () => {
    const buffer = Uint8Array.from({ length: 20 }, (_, place) => place);
    expect(uuidFromBytes(buffer.subarray(4))).toBe('04050607-0809-0a0b-0c0d-0e0f10111213');
  });
});

describe('a UUIDv7', () => {
  it('is the example of RFC 9562, appendix A.6', () => {
    const chance = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
    expect(uuidV7(0x01_7f_22_e2_79_b0, chance)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  it('has its version and variant, and its time to be read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), bytes(10), (at, chance) => {
        const id = uuidV7(at, chance);
        expect(isUuid(id)).toBe(true);
        expect(id).toMatch(/^.{14}7.{4}[89ab]/);
        expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(at);
      }),
    );
  });

  it('is the same of bytes and of their digits, and holds nearly all of their chance', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), bytes(10), (at, chance) => {
        const digits = Buffer.from(chance).toString('hex');
        const id = uuidV7FromHex(at, digits);
        expect(uuidV7(at, chance)).toBe(id);
        const expected = uuidFromBytes(Buffer.concat([Buffer.alloc(6), Buffer.from(chance)]));
        // All but the version, and the two bits of the variant, is as it was drawn.
        expect(id.slice(15, 18) + id.slice(20)).toBe(expected.slice(15, 18) + expected.slice(20));
        expect(Number.parseInt(id.charAt(19), 16) & 3).toBe(Number.parseInt(expected.charAt(19), 16) & 3);
      }),
    );
  });

  it('grows with time', () => {
    const later = fc.tuple(fc.integer({ min: 0, max: 2 ** 47 }), fc.integer({ min: 1, max: 2 ** 40 }));
    fc.assert(
      fc.property(later, bytes(10), bytes(10), ([at, more], one, other) => {
        expect(uuidV7(at, one) < uuidV7(at + more, other)).toBe(true);
      }),
    );
  });

  it('leaves the bytes that it was given as they were', () => {
    const chance = Uint8Array.from(randomBytes(16));
    const before = Uint8Array.from(chance);
    uuidV7(Date.now(), chance);
    uuidV8(chance);
    expect(chance).toEqual(before);
  });
});

describe('a UUIDv8', () => {
  it('is the same for the same text and another for another', () => {
    const idOf = (text: string): string => uuidV8(createHash('sha256').update(text).digest());
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(idOf(one)).toBe(idOf(one));
        expect(idOf(one) === idOf(other)).toBe(one === other);
        expect(idOf(one)).toMatch(/^.{14}8.{4}[89ab]/);
      }),
    );
  });
});
