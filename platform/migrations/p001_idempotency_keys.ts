import type { Migration } from '../src/database/index.ts';

export const migration: Migration = {
  why: 'A retried creating request must find the answer of the first, stored together with its effect.',

  async up({ dialect, run }) {
    const ascii = dialect.types.ascii;
    const key = dialect.quote('key');
    await run(`
      create table idempotency_keys (
        scope ${ascii(191)} not null,
        ${key} ${ascii(255)} not null,
        fingerprint ${ascii(64)} not null,
        status smallint not null,
        body ${dialect.types.longText} not null,
        created_at ${dialect.types.instant} not null,
        primary key (scope, ${key})
      )`);
    await run('create index ix_idempotency_keys_created_at on idempotency_keys (created_at)');
  },

  async down({ run }) {
    await run('drop table idempotency_keys');
  },
};
