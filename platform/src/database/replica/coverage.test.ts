import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Coverage } from './coverage.ts';
import { RecentWrites } from './recent-writes.ts';

describe('what a replica surely has', () => {
  it('is nothing before it has replayed to where a look has seen the primary', () => {
    const coverage = new Coverage();
    coverage.replay(500n);
    expect(coverage.untilMs).toBe(Number.NEGATIVE_INFINITY);
    coverage.look(1_000, 600n);
    coverage.replay(599n);
    expect([coverage.untilMs, coverage.lagBytes]).toEqual([Number.NEGATIVE_INFINITY, 1]);
    coverage.replay(600n);
    expect([coverage.untilMs, coverage.lagBytes]).toEqual([1_000, 0]);
  });

  it('is nothing again once the replica was lost, whatever looks there were before', () => {
    const coverage = new Coverage();
    coverage.look(1_000, 100n);
    coverage.replay(100n);
    coverage.look(2_000, 200n);
    coverage.lose();
    coverage.replay(300n);
    expect(coverage.untilMs).toBe(Number.NEGATIVE_INFINITY);
  });

  it('never includes a commit that lies behind what was replayed', () => {
    const step = fc.record({ commits: fc.nat(5), looks: fc.boolean(), replays: fc.nat(100) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
        const coverage = new Coverage();
        const commits: { readonly atMs: number; readonly position: bigint }[] = [];
        let [clock, written, replayed] = [0, 0n, 0n];
        for (const { commits: count, looks, replays } of steps) {
          for (let left = count; left > 0; left--) commits.push({ atMs: (clock += 1), position: (written += 10n) });
          clock += 1;
          if (looks) coverage.look(clock, written);
          const [next, end] = [replayed + BigInt(replays), written];
          replayed = next < end ? next : end;
          coverage.replay(replayed);
          const covered = commits.filter(({ atMs }) => atMs < coverage.untilMs);
          expect(covered.every(({ position }) => position <= replayed)).toBe(true);
        }
      }),
    );
  });
});

describe('recent writes', () => {
  it('are the latest of all keys', () => {
    const writes = new RecentWrites({ windowMs: 100 });
    writes.note(['ana', 'client:1'], 10);
    writes.note(['client:1'], 20);
    expect([writes.latest(['ana']), writes.latest(['ana', 'client:1'])]).toEqual([10, 20]);
    expect([writes.latest(['bea']), writes.latest([])]).toEqual([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  });

  it('are forgotten after the window', () => {
    const writes = new RecentWrites({ windowMs: 100 });
    writes.note(['ana'], 10);
    writes.note(['bea'], 111);
    expect(writes.latest(['ana'])).toBe(Number.NEGATIVE_INFINITY);
  });

  it('count as everybody’s where there are too many to tell apart', () => {
    const writes = new RecentWrites({ windowMs: 100, keysMax: 2 });
    writes.note(['ana'], 10);
    writes.note(['bea'], 20);
    writes.note(['cleo'], 30);
    expect([writes.latest(['ana']), writes.latest(['stranger']), writes.latest(['cleo'])]).toEqual([10, 10, 30]);
  });
});
