import type { Migration } from '@quinta/platform/database';

export const migration: Migration = {
  why: 'Lists of users are read by the day they were made.',

  async up({ run }) {
    await run('create index ix_usuarios_created_at on usuarios (created_at)');
  },

  async down({ run }) {
    await run('drop index ix_usuarios_created_at');
  },

  async verify({ run }) {
    const found = await run(
      "select 1 from pg_indexes where schemaname = current_schema() and indexname = 'ix_usuarios_created_at'",
    );
    return found.length > 0 ? [] : ['the index ix_usuarios_created_at is missing'];
  },
};
