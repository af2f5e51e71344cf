import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rememberTokens } from './remembered-tokens.ts';

describe('remembered tokens', () => {
  it('are never more than were asked for, and never another value', () => {
    const step = fc.record({ isRead: fc.boolean(), key: fc.integer({ min: 0, max: 40 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 2, max: 20 }), (steps, entriesMax) => {
        const remembered = rememberTokens<string>(entriesMax);
        for (const { isRead, key } of steps) {
          if (!isRead) remembered.set(String(key), `value ${key}`);
          expect([undefined, `value ${key}`]).toContain(remembered.get(String(key)));
          expect(remembered.size).toBeLessThanOrEqual(entriesMax);
        }
      }),
    );
  });

  it('are kept for as long as they are asked for', () => {
    const remembered = rememberTokens<number>(10);
    remembered.set('busy', 1);
    for (let index = 0; index < 100; index++) {
      remembered.set(`passing ${index}`, index);
      expect(remembered.get('busy')).toBe(1);
    }
    expect(remembered.get('passing 0')).toBeUndefined();
  });
});
