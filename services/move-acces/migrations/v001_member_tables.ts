import type { Migration } from '@quinta/platform/database';

export const migration: Migration = {
  why: 'What we know of a member beyond the tables of the other system, in tables of our own and without a key into theirs.',

  async up({ dialect, run }) {
    const { ascii, bytes, instant } = dialect.types;
    // A hash of ours stands for the one that it was made from; where the other system has changed that, its own counts.
    await run(`
      create table member_passwords (
        user_id bigint not null,
        password_hash ${ascii(255)} not null,
        made_from ${bytes(32)} not null,
        changed_at ${instant} not null default ${dialect.now},
        constraint pk_member_passwords primary key (user_id),
        constraint ck_member_passwords_made_from check (octet_length(made_from) = 32)
      )`);
    await run(`
      create table member_roles (
        user_id bigint not null,
        role ${ascii(20)} not null,
        granted_at ${instant} not null default ${dialect.now},
        constraint pk_member_roles primary key (user_id),
        constraint ck_member_roles_role check (role in ('staff'))
      )`);
    // Whoever registers an address holds its row meanwhile: the other system's table may have no unique key on it.
    await run(`
      create table member_registrations (
        email_digest ${bytes(32)} not null,
        tried_at ${instant} not null default ${dialect.now},
        constraint pk_member_registrations primary key (email_digest)
      )`);
    await run('create index ix_member_registrations_tried_at on member_registrations (tried_at)');
  },

  async down({ run }) {
    await run('drop table member_registrations');
    await run('drop table member_roles');
    await run('drop table member_passwords');
  },
};
