import type { Migration } from '../src/database/index.ts';

export const migration: Migration = {
  why: 'Work that must be done later, or at set times, is done once, by whichever process is there.',

  async up({ dialect, run }) {
    const { ascii, instant, longText, uuid } = dialect.types;
    // due_at is when somebody may take the job: its time, or while it runs the end of the lease; null when it has ended.
    await run(`
      create table jobs (
        id ${uuid} not null,
        kind ${ascii(100)} not null,
        job_key ${ascii(191)} null,
        payload ${longText} not null,
        state ${ascii(7)} not null default 'waiting',
        due_at ${instant} null,
        attempts integer not null default 0,
        attempts_max integer not null,
        fence bigint not null default 0,
        last_error varchar(500) null,
        created_at ${instant} not null default ${dialect.now},
        ended_at ${instant} null,
        constraint pk_jobs primary key (id),
        constraint ux_jobs_kind_key unique (kind, job_key),
        constraint ck_jobs_state check (state in ('waiting', 'running', 'done', 'dead')),
        constraint ck_jobs_due check ((state in ('done', 'dead')) = (due_at is null)),
        constraint ck_jobs_ended check ((state in ('done', 'dead')) = (ended_at is not null)),
        constraint ck_jobs_attempts check (attempts_max > 0)
      )`);
    await run('create index ix_jobs_due_at on jobs (due_at)');
    await run('create index ix_jobs_ended_at on jobs (ended_at)');
    await run('create index ix_jobs_state on jobs (state, kind)');
    await run(`
      create table schedules (
        name ${ascii(100)} not null,
        timing varchar(191) not null,
        next_at ${instant} not null,
        constraint pk_schedules primary key (name)
      )`);
  },

  async down({ run }) {
    await run('drop table schedules');
    await run('drop table jobs');
  },
};
