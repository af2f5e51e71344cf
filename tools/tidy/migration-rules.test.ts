import { createHash } from 'node:crypto';

import { ruleSuite } from './rule-suite.ts';

const folder = 'services/mexa/migrations';
const hashOfNothing = createHash('sha256').digest('hex');

ruleSuite('migration-names', {
  breaks: {
    'a name without a number, a gap, a double, and a letter of another folder': {
      files: {
        [`${folder}/add_state.ts`]: '',
        [`${folder}/v001_initial_schema.ts`]: '',
        [`${folder}/v003_late.ts`]: '',
        'platform/migrations/p001_outbox.ts': '',
        'platform/migrations/p001_seals.ts': '',
        'platform/migrations/v002_jobs.ts': '',
      },
      at: [
        `${folder}/add_state.ts:1`,
        `${folder}/v003_late.ts:1`,
        'platform/migrations/p001_seals.ts:1',
        'platform/migrations/v002_jobs.ts:1',
      ],
    },
  },
  keeps: {
    'numbered migrations, their test, and the code of the migrator': {
      [`${folder}/v001_initial_schema.ts`]: '',
      [`${folder}/v002_add_request_id_to_vales.ts`]: '',
      [`${folder}/migrations.test.ts`]: '',
      [`${folder}/lock.json`]: '{}',
      'platform/src/database/migrations/connection.ts': '',
    },
  },
});

ruleSuite('migration-lock', {
  breaks: {
    'a lock that is missing, one that is behind, and a migration that was edited': {
      files: {
        'services/finca/migrations/v001_initial.ts': '',
        [`${folder}/v001_initial_schema.ts`]: '',
        [`${folder}/lock.json`]: `{"v009_gone": "${hashOfNothing}"}`,
        'platform/migrations/p001_outbox.ts': 'edited',
        'platform/migrations/lock.json': `{"p001_outbox": "${hashOfNothing}"}`,
      },
      at: [
        'services/finca/migrations/lock.json:1',
        `${folder}/lock.json:1`,
        `${folder}/lock.json:1`,
        'platform/migrations/lock.json:1',
      ],
    },
  },
  keeps: {
    'a lock that names each migration as it is': {
      [`${folder}/v001_initial_schema.ts`]: '',
      [`${folder}/lock.json`]: `{"v001_initial_schema": "${hashOfNothing}"}`,
    },
  },
});
