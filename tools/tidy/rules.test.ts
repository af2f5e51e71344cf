import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { rules } from './rules.ts';
import { readTree, treeOf } from './tree.ts';

it('has a suite for every rule, and no rule twice', async () => {
  const names = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.test.ts'));
  const texts = await Promise.all(names.map((name) => readFile(join(import.meta.dirname, name), 'utf8')));
  const tested = [...texts.join('\n').matchAll(/ruleSuite\('([\w-]+)'/g)].map(([, name = '']) => name);
  expect(new Set(tested)).toEqual(new Set(rules.map(({ name }) => name)));
  expect(tested.length).toBe(rules.length);
});

it('finds nothing in an empty house', () => {
  expect(rules.flatMap((rule) => rule.find(treeOf({})))).toEqual([]);
});

it('reads the tree of this checkout: tracked and new files, not ignored ones, no generated text', async () => {
  const tree = await readTree(join(import.meta.dirname, '../..'));
  expect(tree.texts.has('tools/tidy/rules.test.ts')).toBe(true);
  expect(tree.paths.has('package-lock.json')).toBe(true);
  expect(tree.texts.has('package-lock.json')).toBe(false);
  expect([...tree.paths].filter((path) => path.includes('node_modules'))).toEqual([]);
});

it('names the file that does not parse', () => {
  const broken = treeOf({ 'platform/src/http/a.ts': 'const = 1;' });
  expect(() => rules.flatMap((rule) => rule.find(broken))).toThrow('Cannot parse platform/src/http/a.ts');
});
