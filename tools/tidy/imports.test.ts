import { ruleSuite } from './rule-suite.ts';

const packages = {
  'package.json': '{"name": "quinta"}',
  'platform/package.json': '{"name": "@quinta/platform"}',
  'services/mexa/package.json': '{"name": "@quinta/mexa"}',
  'services/finca/package.json': '{"name": "@quinta/finca"}',
  'apps/cli/package.json': '{"name": "@quinta/cli"}',
};

ruleSuite('direction', {
  breaks: {
    'a service that imports a service': {
      files: { ...packages, 'services/mexa/src/vale/vale.ts': "import { cow } from '@quinta/finca';" },
      at: ['services/mexa/src/vale/vale.ts:1'],
    },
    'a service that reaches a service by path, as a type': {
      files: { ...packages, 'services/mexa/src/a.ts': "\nimport type { Cow } from '../../finca/src/cow.ts';" },
      at: ['services/mexa/src/a.ts:2'],
    },
    'the platform that imports a service': {
      files: { ...packages, 'platform/src/http/mount.ts': "export { mexa } from '@quinta/mexa';" },
      at: ['platform/src/http/mount.ts:1'],
    },
    'the platform that imports an app while it runs': {
      files: { ...packages, 'platform/src/http/mount.ts': "const cli = await import('@quinta/cli');" },
      at: ['platform/src/http/mount.ts:1'],
    },
    'the kernel that imports the platform': {
      files: { ...packages, 'platform/src/kernel/ids.ts': "import { mount } from '../http/index.ts';" },
      at: ['platform/src/kernel/ids.ts:1'],
    },
    'the kernel that imports a package': {
      files: { ...packages, 'platform/src/kernel/ids.ts': "import { z } from 'zod';" },
      at: ['platform/src/kernel/ids.ts:1'],
    },
    'a service that imports the tools': {
      files: { ...packages, 'services/mexa/src/a.ts': "import { rules } from '../../../tools/tidy/rules.ts';" },
      at: ['services/mexa/src/a.ts:1'],
    },
  },
  keeps: {
    'a launcher that begins with the set-up': {
      ...packages,
      'apps/cli/bin/quinta.mjs': "import { run } from '../../../tools/setup/run.mjs';",
    },
    'imports that run downwards': {
      ...packages,
      'apps/cli/src/main.ts':
        "import { mexa } from '@quinta/mexa';\nimport { openDatabase } from '@quinta/platform/database';",
      'services/mexa/src/service.ts': "import { uuidV7 } from '@quinta/platform/kernel';\nimport './vale/vale.ts';",
      'platform/src/http/mount.ts': "import { Problem } from '../kernel/index.ts';\nimport fastify from 'fastify';",
      'platform/src/kernel/ids.ts': "import { isUuid } from './uuid.ts';\nimport { createHash } from 'node:crypto';",
      'platform/src/kernel/ids.test.ts': "import { it } from 'vitest';\nimport { clock } from '../testing/index.ts';",
      'tools/generate.ts': "import { mexa } from '@quinta/mexa';",
    },
    'words that look like imports in a string': {
      ...packages,
      'services/mexa/src/a.ts': 'export const text = "import { cow } from \'@quinta/finca\';";',
    },
  },
});

ruleSuite('package-doors', {
  breaks: {
    'a folder of the platform that passes by the door of another': {
      files: { 'platform/src/http/mount.ts': "import { pool } from '../database/postgresql.ts';" },
      at: ['platform/src/http/mount.ts:1'],
    },
    'a test that passes by the door of another folder, and code that passes by the door of the test tools': {
      files: {
        'platform/src/http/mount.test.ts': "import { pool } from '../database/postgresql.ts';",
        'platform/src/http/mount.ts': "import { faults } from '../testing/faults.ts';",
      },
      at: ['platform/src/http/mount.test.ts:1', 'platform/src/http/mount.ts:1'],
    },
    'an app that enters a service by path': {
      files: { ...packages, 'apps/cli/src/main.ts': "import { mexa } from '../../../services/mexa/src/service.ts';" },
      at: ['apps/cli/src/main.ts:1'],
    },
    'a service that enters the platform by path': {
      files: { ...packages, 'services/mexa/src/a.ts': "import { ids } from '../../../platform/src/kernel/index.ts';" },
      at: ['services/mexa/src/a.ts:1'],
    },
  },
  keeps: {
    'doors, contracts, neighbours, and the tools of the tests': {
      ...packages,
      'platform/src/http/mount.ts': "import { openDatabase } from '../database/index.ts';\nimport './route.ts';",
      'platform/src/audit/record.ts': "import type { Tx } from '../database/contract.ts';",
      'platform/src/testing/faults.ts': "import { pool } from '../database/postgresql.ts';",
      'platform/src/http/mount.test.ts': "import { faults } from '../testing/faults.ts';",
      'platform/test/crash.test.ts': "import { pool } from '../src/database/postgresql.ts';",
      'services/mexa/src/vale/routes.ts': "import { limits } from '../limits.ts';",
      'services/mexa/src/a.ts': "import { uuidV7 } from '@quinta/platform/kernel';",
    },
  },
});

ruleSuite('drivers', {
  breaks: {
    'drivers outside their adapters': {
      files: {
        'services/mexa/src/a.ts': "import { Pool } from 'pg';",
        'platform/src/http/a.ts': "import { createPool } from 'mysql2/promise';",
        'platform/src/database/a.ts': "import { Redis } from 'ioredis';",
        'platform/src/audit/a.ts': "const broker = await import('rabbitmq-client');",
        'apps/cli/src/a.ts': "import nano from 'nano';",
      },
      at: ['services/mexa/src/a.ts:1', 'platform/src/http/a.ts:1', 'platform/src/database/a.ts:1'].concat([
        'platform/src/audit/a.ts:1',
        'apps/cli/src/a.ts:1',
      ]),
    },
  },
  keeps: {
    'drivers at home, and tests and benches that speak to the real part': {
      'platform/src/database/postgresql.ts': "import { Pool } from 'pg';",
      'platform/src/database/mysql.ts': "import { createPool } from 'mysql2/promise';",
      'platform/src/keyvalue/redis.ts': "import { Redis } from 'ioredis';",
      'platform/src/keyvalue/redis.test.ts': "import { Redis } from 'ioredis';",
      'platform/test/outage.test.ts': "import { Redis } from 'ioredis';",
      'platform/src/testing/faults.ts': "import { Client } from 'pg';",
      'bench/peers.ts': "import { Client } from 'pg';",
      'services/mexa/src/a.ts': "import { page } from 'pg-page';",
    },
  },
});

ruleSuite('test-tools', {
  breaks: {
    'tools of the tests in production': {
      files: {
        ...packages,
        'services/mexa/src/a.ts': "import { expect } from 'vitest';\nimport { clock } from '@quinta/platform/testing';",
        'platform/src/http/a.ts': "import { clock } from '../testing/index.ts';",
      },
      at: ['services/mexa/src/a.ts:1', 'services/mexa/src/a.ts:2', 'platform/src/http/a.ts:1'],
    },
  },
  keeps: {
    'tools of the tests in tests': {
      ...packages,
      'services/mexa/src/a.test.ts':
        "import { expect } from 'vitest';\nimport { clock } from '@quinta/platform/testing';",
      'services/mexa/test/story.ts': "import { clock } from '@quinta/platform/testing';",
      'platform/src/testing/clock.ts': "import fc from 'fast-check';",
      'apps/console/vitest.config.ts': "import { defineConfig } from 'vitest/config';",
    },
  },
});
