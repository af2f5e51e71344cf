import { describe, expect, it } from 'vitest';

import { rules } from './rules.ts';
import { treeOf } from './tree.ts';

type Files = Readonly<Record<string, string>>;

interface RuleCases {
  /** Trees that break the rule, each with the places that must be found, as `path:line`. */
  readonly breaks: Readonly<Record<string, { readonly files: Files; readonly at: readonly string[] }>>;
  /** Trees that keep it. */
  readonly keeps: Readonly<Record<string, Files>>;
}

/** The tests of one rule: what it must find and what it must leave alone. */
export function ruleSuite(name: string, { breaks, keeps }: RuleCases): void {
  const rule = rules.find((known) => known.name === name);
  if (rule === undefined) throw new Error(`There is no rule "${name}"`);
  describe(name, () => {
    it.each(Object.entries(breaks))('finds %s', (_, { files, at }) => {
      const found = rule.find(treeOf(files)).map(({ path, line }) => `${path}:${line}`);
      expect(found.toSorted()).toEqual(at.toSorted());
    });
    it.each(Object.entries(keeps))('accepts %s', (_, files) => {
      expect(rule.find(treeOf(files))).toEqual([]);
    });
  });
}
