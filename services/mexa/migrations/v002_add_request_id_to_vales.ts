import type { Migration } from '@quinta/platform/database';
import { missingColumns, missingUnique } from '../src/earlier-schema.ts';

export const migration: Migration = {
  why: 'Each voucher carries the id of the request that drew it, so that a retried request draws none twice.',

  async up({ run }) {
    await run('create extension if not exists pgcrypto');
    await run('alter table vales add column request_id uuid');
    await run('update vales set request_id = gen_random_uuid()');
    await run('alter table vales alter column request_id set not null');
    await run('alter table vales add constraint uq_vales_request_id unique (request_id)');
  },

  /** The extension stays: other parts of the database may use it by now. */
  async down({ run }) {
    // The earlier system may have made it a constraint or an index of that name.
    await run('alter table vales drop constraint if exists uq_vales_request_id');
    await run('drop index if exists uq_vales_request_id');
    await run('alter table vales drop column request_id');
  },

  async verify(runner) {
    return [
      ...(await missingColumns(runner, 'vales', { request_id: 'uuid' })),
      ...(await missingUnique(runner, 'vales', 'request_id')),
    ];
  },
};
