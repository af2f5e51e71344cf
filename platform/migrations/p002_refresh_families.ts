import type { Migration } from '../src/database/index.ts';

export const migration: Migration = {
  why: 'A session lives on the server, so that it can be listed, ended at once, and closed when a token is stolen.',

  async up(runner) {
    const { ascii, bytes, instant, uuid } = runner.dialect.types;
    await runner.run(`
      create table refresh_families (
        id ${uuid} not null,
        subject ${ascii(191)} not null,
        created_at ${instant} not null,
        last_used_at ${instant} not null,
        absolute_expires_at ${instant} not null,
        revoked_at ${instant} null,
        revoked_reason ${ascii(64)} null,
        user_agent ${ascii(255)} not null,
        address ${ascii(64)} not null,
        constraint pk_refresh_families primary key (id),
        constraint ck_refresh_families_revoked check ((revoked_at is null) = (revoked_reason is null))
      )`);
    await runner.run('create index ix_refresh_families_subject on refresh_families (subject)');
    await runner.run('create index ix_refresh_families_revoked_at on refresh_families (revoked_at)');
    await runner.run('create index ix_refresh_families_absolute_expires_at on refresh_families (absolute_expires_at)');
    // live_family_id is the family of a token that was not used yet, and null afterwards: unique, so that no family can
    // ever fork. A partial index would say the same on PostgreSQL alone, and MariaDB refuses to generate such a column.
    await runner.run(`
      create table refresh_tokens (
        token_hash ${bytes(32)} not null,
        family_id ${uuid} not null,
        issued_at ${instant} not null,
        expires_at ${instant} not null,
        used_at ${instant} null,
        replaced_by ${bytes(32)} null,
        live_family_id ${uuid} null,
        constraint pk_refresh_tokens primary key (token_hash),
        constraint fk_refresh_tokens_family foreign key (family_id) references refresh_families (id),
        constraint ux_refresh_tokens_live_family unique (live_family_id),
        constraint ck_refresh_tokens_hash check (octet_length(token_hash) = 32),
        constraint ck_refresh_tokens_used check ((used_at is null) = (replaced_by is null)),
        constraint ck_refresh_tokens_live check (
          (used_at is null) = (live_family_id is not null)
          and (live_family_id is null or live_family_id = family_id)
        )
      )`);
    await runner.run('create index ix_refresh_tokens_family on refresh_tokens (family_id)');
    await runner.run('create index ix_refresh_tokens_expires_at on refresh_tokens (expires_at)');
  },

  async down(runner) {
    await runner.run('drop table refresh_tokens');
    await runner.run('drop table refresh_families');
  },
};
