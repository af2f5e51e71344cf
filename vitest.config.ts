import { defineConfig } from 'vitest/config';

/**
 * Tests of a service in this process, and of commands that run to their end, each in a place and on a database of its
 * own: as many files at a time as there are cores. Fuzzing looks at times and at the server's own log, so it stays alone.
 */
const commands =
  'audit-* close-day commands crash doctor env-example messages migrate real-parts secrets sets-workers sofipo variables walkthrough worker workers'.split(
    ' ',
  );
const services = [
  'services/*/test/!(fuzz|traps-*).test.ts',
  ...commands.map((name) => `apps/cli/test/${name}.test.ts`),
  'bench/**/*.heavy.test.ts',
  'verifier/**/*.heavy.test.ts',
  'deploy/**/*.heavy.test.ts',
  'chaos/**/*.heavy.test.ts',
  // These wait for conditions and were written beside others that kept the machine busy.
  'platform/src/{messaging,documents}/**/*.heavy.test.ts',
  'platform/src/database/{replica,migrations}/**/*.heavy.test.ts',
  'platform/src/keyvalue/redis.heavy.test.ts',
  'apps/cli/test/auth-cases/!(races).test.ts',
];
/** Tests that start processes and servers or measure races: one file at a time, because two cores are all there is. */
const stories = ['**/test/**/*.test.ts', '**/*.heavy.test.ts'];

const members = ['platform', 'services', 'apps', 'tools', 'bench', 'chaos', 'verifier', 'deploy'];

export default defineConfig({
  test: {
    pool: 'forks',
    globalSetup: ['platform/src/testing/run-setup.ts'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    // A test that asserts nothing is a defect, not a success.
    expect: { requireAssertions: true },
    unstubEnvs: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: members.map((member) => `${member}/**/*.test.ts`),
          exclude: ['**/node_modules/**', ...stories],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'service',
          include: services,
          exclude: ['**/node_modules/**'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'story',
          include: members.flatMap((member) => stories.map((story) => `${member}/${story}`)),
          exclude: ['**/node_modules/**', ...services],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
