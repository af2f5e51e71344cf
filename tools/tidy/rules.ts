import { codeRules } from './code-rules.ts';
import { importRules } from './imports.ts';
import { migrationRules } from './migration-rules.ts';
import { packageRules } from './packages.ts';
import type { Rule } from './rule.ts';
import { testRules } from './test-rules.ts';
import { textRules } from './text-rules.ts';

/** The rules of the house that a machine can check and the linter cannot. */
export const rules: readonly Rule[] = [
  ...importRules,
  ...codeRules,
  ...testRules,
  ...textRules,
  ...packageRules,
  ...migrationRules,
];
