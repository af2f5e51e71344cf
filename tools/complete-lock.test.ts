import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { missingPlatformPackages } from './complete-lock.ts';

test('every optional package of the lock has its entry, so that npm ci works on every platform', () => {
  const file = path.join(import.meta.dirname, '../package-lock.json');
  const { packages } = JSON.parse(readFileSync(file, 'utf8')) as {
    packages: Parameters<typeof missingPlatformPackages>[0];
  };
  expect(missingPlatformPackages(packages)).toEqual({});
});

test('a missing one is noted for its own system and processor', () => {
  const packages = {
    'node_modules/a': {
      version: '1.0.0',
      dev: true,
      optionalDependencies: { '@a/b-darwin-arm64': '2.0.0', '@a/b-linux-x64': '2.0.0' },
    },
    'node_modules/@a/b-linux-x64': { version: '2.0.0', optional: true },
  };
  expect(missingPlatformPackages(packages)).toEqual({
    'node_modules/@a/b-darwin-arm64': { version: '2.0.0', dev: true, optional: true, os: ['darwin'], cpu: ['arm64'] },
  });
});

test('a package of no platform is a fault, not a guess', () => {
  const packages = { 'node_modules/a': { version: '1.0.0', optionalDependencies: { fsevents: '2.0.0' } } };
  expect(() => missingPlatformPackages(packages)).toThrow('fsevents');
});
