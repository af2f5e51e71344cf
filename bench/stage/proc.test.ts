import { describe, expect, it } from 'vitest';
import { cpuMicrosecondsOf, hasProc, parseStat, type ProcessStat, ticksOfTrees } from './proc.ts';

const line = '4242 (node) S 17 4242 4242 0 -1 4194304 1 2 3 4 150 50 30 20 20 0 11 0 12345 1 2 18446744073709551615';

describe('a line of /proc/<pid>/stat', () => {
  it('tells the parent and the times', () => {
    expect(parseStat(line)).toEqual({ pid: 4242, parentPid: 17, ownTicks: 200, endedChildrenTicks: 50 });
  });

  it.each(['(a) b) S 1', 'postgres: bench app [local] (idle', 'x (y)'])('with the name %j reads the same', (name) => {
    expect(parseStat(line.replace('node', name))?.parentPid).toBe(17);
  });

  it.each(['', 'nothing', '4242 (node) S 17'])('that is none (%j) is none', (text) => {
    expect(parseStat(text)).toBeUndefined();
  });
});

describe('a tree of processes', () => {
  const stat = (pid: number, parentPid: number, ownTicks: number, endedChildrenTicks = 0): ProcessStat => ({
    pid,
    parentPid,
    ownTicks,
    endedChildrenTicks,
  });
  // 5 is a grandchild whose number is lower than its parent's.
  const all = [stat(1, 0, 1_000), stat(5, 30, 8), stat(10, 1, 1, 100), stat(30, 10, 2), stat(40, 1, 500)];

  it.each([
    [[10], 111],
    [[5], 8],
    [[10, 40], 611],
    [[10, 30], 111],
    [[], 0],
    [[99], 0],
  ])('under %j has used %d ticks, each process counted once', (roots, ticks) => {
    expect(ticksOfTrees(all, roots)).toBe(ticks);
  });
});

it('knows the CPU time of this very process, or says that it does not', () => {
  const used = cpuMicrosecondsOf([process.pid]);
  expect(used !== undefined && used > 0).toBe(hasProc);
  expect(cpuMicrosecondsOf([])).toBeUndefined();
});
