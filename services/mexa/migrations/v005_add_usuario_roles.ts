import type { Migration } from '@quinta/platform/database';

export const migration: Migration = {
  why: 'What a user may do depends on a role, and one who leaves is switched off, because the audit still names them.',

  async up({ run }) {
    await run("alter table usuarios add column role varchar(20) not null default 'usuario'");
    await run('alter table usuarios add column disabled_at timestamp');
    await run(`
      alter table usuarios add constraint ck_usuarios_role
        check (role in ('admin', 'cajero', 'usuario', 'auditor'))`);
  },

  async down({ run }) {
    await run('alter table usuarios drop column role, drop column disabled_at');
  },
};
