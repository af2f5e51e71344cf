import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** What /proc/<pid>/stat tells of one process; times in clock ticks. */
export interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  readonly ownTicks: number;
  /** Of children that have ended and were waited for. */
  readonly endedChildrenTicks: number;
}

/** Which fields of /proc/<pid>/stat are what, counted from the one behind the name (proc(5) counts that as the 3rd). */
const fields = { parentPid: 1, userTicks: 11, systemTicks: 12, childUserTicks: 13, childSystemTicks: 14 } as const;

/** Undefined for a text that is none. The name of a process stands in brackets and may hold anything, brackets too. */
export function parseStat(text: string): ProcessStat | undefined {
  const pid = Number.parseInt(text, 10);
  const end = text.lastIndexOf(')');
  const values = text
    .slice(end + 2)
    .trim()
    .split(' ')
    .map(Number);
  const at = (place: number): number => values[place] ?? NaN;
  const ownTicks = at(fields.userTicks) + at(fields.systemTicks);
  const endedChildrenTicks = at(fields.childUserTicks) + at(fields.childSystemTicks);
  const isWhole = end > 0 && Number.isFinite(pid + ownTicks + endedChildrenTicks);
  return isWhole ? { pid, parentPid: at(fields.parentPid), ownTicks, endedChildrenTicks } : undefined;
}

/** The ticks of processes with everything below them, ended children included. */
export function ticksOfTrees(all: readonly ProcessStat[], roots: readonly number[]): number {
  const wanted = new Set(roots);
  // A child's number may be lower than its parent's, so one pass is not enough.
  for (let size = 0; size !== wanted.size;) {
    size = wanted.size;
    for (const { pid, parentPid } of all) if (wanted.has(parentPid)) wanted.add(pid);
  }
  return all
    .filter(({ pid }) => wanted.has(pid))
    .reduce((sum, { ownTicks, endedChildrenTicks }) => sum + ownTicks + endedChildrenTicks, 0);
}

/** Whether this system tells of processes in files. */
export const hasProc = existsSync('/proc/self/stat');

let ticksPerSecond: number | undefined;

/** CPU time that trees of processes have used so far, in microseconds; undefined where the system does not tell. */
export function cpuMicrosecondsOf(roots: readonly number[]): number | undefined {
  if (!hasProc || roots.length === 0) return undefined;
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) || 100;
  return (ticksOfTrees(readAll(), roots) / ticksPerSecond) * 1_000_000;
}

function readAll(): readonly ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return parseStat(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
      } catch {
        return []; // it has ended since
      }
    });
}
