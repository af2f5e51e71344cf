import { readOn, writeOn } from '../database/index.ts';

/** The statements of jobs and schedules, on both engines. Numbers of 64 bits arrive as the driver likes: `Number()`. */

type Whole = number | string;

export interface DueJobRow {
  readonly id: string;
  readonly kind: string;
  readonly job_key: string | null;
  readonly payload: string;
  readonly attempts: number;
  readonly attempts_max: number;
  readonly fence: Whole;
  readonly last_error: string | null;
}

/** Jobs whose time has come, or whose process let the lease run out, that nobody else is taking. */
export const lockDue = readOn<DueJobRow, { kinds: string; limit: string }>(
  'job.lock_due',
  (on) => `
    select id, kind, job_key, payload, attempts, attempts_max, fence, last_error from jobs
     where due_at <= ${on.now} and ${on.isListedText('kind', ':kinds')}
     order by due_at
     limit :limit for update skip locked`,
);

export const leaseJob = writeOn<never, { id: string; seconds: number }>(
  'job.lease',
  (on) => `
    update jobs set state = 'running', attempts = attempts + 1, fence = fence + 1, due_at = ${on.after(':seconds')}
     where id = :id`,
);

/** Only who holds the newest fence may do these: somebody may have taken the job over. */
interface Fenced extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly fence: number;
}

const ours = "id = :id and fence = :fence and state = 'running'";

export const renewLease = writeOn<never, Fenced & { readonly seconds: number }>(
  'job.renew',
  (on) => `update jobs set due_at = ${on.after(':seconds')} where ${ours}`,
);

/** Also locks the row, so that nobody takes the job over before this transaction has ended. */
export const holdJob = readOn<{ readonly id: string }, Fenced>(
  'job.hold',
  () => `select id from jobs where ${ours} for update`,
);

export const finishJob = writeOn<never, Fenced>(
  'job.finish',
  (on) => `update jobs set state = 'done', due_at = null, ended_at = ${on.now}, last_error = null where ${ours}`,
);

export const retryJob = writeOn<
  never,
  Fenced & { readonly seconds: number; readonly reason: string; readonly back: number }
>(
  'job.retry',
  (on) => `
    update jobs set state = 'waiting', attempts = attempts - :back, due_at = ${on.after(':seconds')}, last_error = :reason
     where ${ours}`,
);

export const buryJob = writeOn<never, { id: string; fence: number; reason: string }>(
  'job.bury',
  (on) => `
    update jobs set state = 'dead', due_at = null, ended_at = ${on.now}, last_error = :reason
     where id = :id and fence = :fence`,
);

export interface JobRow {
  readonly id: string;
  readonly kind: string;
  readonly job_key: string | null;
  readonly state: string;
  readonly due_at: Date | null;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly created_at: Date;
  readonly ended_at: Date | null;
}

export const listByState = readOn<JobRow, { state: string; limit: string }>(
  'job.list',
  () => `
    select id, kind, job_key, state, due_at, attempts, last_error, created_at, ended_at from jobs
     where state = :state order by created_at desc, id limit :limit`,
);

export const countOpen = readOn<{ readonly state: string; readonly count: Whole }, Record<string, never>>(
  'job.count',
  () => "select state, count(*) as count from jobs where state in ('waiting', 'running', 'dead') group by state",
);

export interface ScheduleRow {
  readonly name: string;
  readonly timing: string;
  readonly next_at: Date;
}

const scheduleColumns = 'name, timing, next_at';

export const readSchedules = readOn<ScheduleRow, { limit: string }>(
  'schedule.read',
  () => `select ${scheduleColumns} from schedules order by name limit :limit`,
);

export const lockSchedule = readOn<ScheduleRow, { name: string }>(
  'schedule.lock',
  () => `select ${scheduleColumns} from schedules where name = :name for update skip locked`,
);

export const advanceSchedule = writeOn<never, { name: string; timing: string; nextAt: Date }>(
  'schedule.advance',
  () => 'update schedules set timing = :timing, next_at = :nextAt where name = :name',
);
