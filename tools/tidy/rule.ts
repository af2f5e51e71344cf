import type { Tree } from './tree.ts';

/** One place that breaks a rule. */
export interface Finding {
  readonly path: string;
  /** One-based; 1 where the file as a whole is meant. */
  readonly line: number;
  readonly message: string;
}

export interface Rule {
  /** The word that `--only` takes and that is printed before each finding. */
  readonly name: string;
  /** One sentence: what holds everywhere in the house. */
  readonly holds: string;
  find(tree: Tree): readonly Finding[];
}

/** `platform/src/kernel/ids.ts:12 [doors] …`, ready to be clicked in a terminal. */
export function formatFinding(rule: Rule, finding: Finding): string {
  return `${finding.path}:${finding.line} [${rule.name}] ${finding.message}`;
}
