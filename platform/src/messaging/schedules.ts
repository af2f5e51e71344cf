import { type Database, ignoringDuplicates, queryBuilder, type Tx } from '../database/index.ts';
import type { Clock, Log } from '../kernel/index.ts';
import { pause } from './backoff.ts';
import { advanceSchedule, lockSchedule, readSchedules, type ScheduleRow } from './job-statements.ts';
import { enqueueJob } from './jobs.ts';
import { nextRun, type Timing, timingText } from './timing.ts';

/** A job that comes back. */
export interface Schedule {
  /** At most 100 ASCII characters; what it did is remembered under it. */
  readonly name: string;
  readonly timing: Timing;
  /** The kind of the job that each run is; its payload has `scheduledFor`, the run's time in ISO 8601. */
  readonly kind: string;
  /** Of the runs that were missed while no process was there: each one, or the latest alone. */
  readonly catchUp: 'each' | 'latest';
  readonly attemptsMax?: number;
}

export interface SchedulerOptions {
  readonly database: Database;
  readonly schedules: readonly Schedule[];
  readonly clock: Clock;
  readonly log: Log;
}

export interface Scheduler {
  /** Puts every run that is due into the job queue; says how many. */
  tick(): Promise<number>;
  start(): void;
  stop(): Promise<void>;
}

interface ScheduleTables {
  readonly schedules: { readonly name: string; readonly timing: string; readonly next_at: Date };
}

/** Missed runs that one tick makes up for; the next tick goes on. */
const catchUpMax = 500;
const restMaxMs = 30_000;
const restMinMs = 50;
const schedulesMax = '1000';

/**
 * Runs of schedules become jobs, each once however many processes look: the row of a schedule holds its next time, and
 * whoever locks it puts the job in and the time forward, in one transaction. A run is named by its time, so that it
 * could not be put in twice anyhow.
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  return new RowScheduler(options);
}

class RowScheduler implements Scheduler {
  readonly #options: SchedulerOptions;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #hasFailed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  async tick(): Promise<number> {
    const { database, schedules, clock } = this.#options;
    const rows = new Map((await readSchedules(database, { limit: schedulesMax })).map((row) => [row.name, row]));
    let runs = 0;
    for (const schedule of schedules) {
      const row = rows.get(schedule.name);
      if (row && row.timing === timingText(schedule.timing) && row.next_at > clock.now()) continue;
      runs += await database.transact((tx) => this.#advance(tx, schedule));
    }
    return runs;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { log } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.tick();
        this.#hasFailed = false;
      } catch (error) {
        if (!this.#hasFailed) log.error({ error }, 'Schedules cannot be looked at');
        this.#hasFailed = true;
      }
      await pause(this.#restMs(), this.#stopping.signal);
    }
  }

  /** Until the next run of any of them, and not longer than a process that came late should wait. */
  #restMs(): number {
    const { schedules, clock } = this.#options;
    const now = clock.now();
    const untilNext = schedules.map(({ timing }) => nextRun(timing, now).getTime() - now.getTime());
    return Math.max(Math.min(restMaxMs, ...untilNext), restMinMs) * (1 + 0.05 * Math.random());
  }

  async #advance(tx: Tx, schedule: Schedule): Promise<number> {
    const now = this.#options.clock.now();
    const { name, timing } = schedule;
    const text = timingText(timing);
    const [row] = await lockSchedule(tx, { name });
    if (!row) {
      await makeRow(tx, { name, timing: text, next_at: nextRun(timing, now) });
      return 0;
    }
    if (row.timing !== text) {
      await advanceSchedule(tx, { name, timing: text, nextAt: nextRun(timing, now) });
      return 0;
    }
    const due = runsUntil(row, timing, now);
    const wanted = schedule.catchUp === 'each' ? due : due.slice(-1);
    for (const time of wanted) await this.#enqueue(tx, schedule, time);
    const last = due.at(-1);
    if (last) await advanceSchedule(tx, { name, timing: text, nextAt: nextRun(timing, last) });
    return wanted.length;
  }

  async #enqueue(tx: Tx, { name, kind, attemptsMax }: Schedule, time: Date): Promise<void> {
    const scheduledFor = time.toISOString();
    await enqueueJob(tx, this.#options, {
      kind,
      key: `${name}@${scheduledFor}`,
      payload: { scheduledFor },
      ...(attemptsMax === undefined ? {} : { attemptsMax }),
    });
  }
}

/** A row that another process makes at this moment stays as that makes it; a row that it has locked comes next time. */
async function makeRow(tx: Tx, row: ScheduleTables['schedules']): Promise<void> {
  await ignoringDuplicates(queryBuilder<ScheduleTables>(tx).insertInto('schedules').values(row), tx.dialect).execute();
}

function runsUntil(row: ScheduleRow, timing: Timing, now: Date): Date[] {
  const due: Date[] = [];
  for (let time = row.next_at; time <= now && due.length < catchUpMax; time = nextRun(timing, time)) due.push(time);
  return due;
}
