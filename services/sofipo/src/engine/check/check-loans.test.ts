import { describe, expect, it } from 'vitest';

import { checkLoans } from './check-loans.ts';
import { randomLoan } from './random-loan.ts';

describe('random loans', () => {
  it.each([1, 2, 3])('of seed %d are exact, never negative, and replay to the same centavos', (seed) => {
    const loans = 1_000;
    const done: number[] = [];
    const findings = checkLoans({ seed, first: 0, loans }, (count) => done.push(count));
    expect(findings.faults).toEqual([]);
    expect(findings.loans).toBe(loans);
    expect(done).toHaveLength(loans);
    const refused = [...findings.refused.values()].reduce((sum, count) => sum + count, 0);
    expect(refused).toBeLessThan(loans / 10);
  });

  it('are the same for the same seed and number', () => {
    expect(randomLoan(5, 17).terms).toEqual(randomLoan(5, 17).terms);
    expect(randomLoan(5, 17).terms).not.toEqual(randomLoan(6, 17).terms);
  });
});
