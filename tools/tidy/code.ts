import { type Comment, parseSync, type Program, Visitor, type VisitorObject } from 'oxc-parser';

import type { Finding } from './rule.ts';
import { lineAt, type Tree } from './tree.ts';

/** An import or re-export of another module, static or dynamic. */
export interface ImportOf {
  readonly specifier: string;
  readonly line: number;
}

/** A parsed TypeScript or JavaScript file. */
export interface CodeFile {
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
  readonly imports: readonly ImportOf[];
}

type Callee = Parameters<NonNullable<VisitorObject['CallExpression']>>[0]['callee'];

/** What a rule hands to `report`: where, as an offset into the text, and what is wrong. */
export type Report = (offset: number, message: string) => void;

const isCode = /\.[cm]?[jt]sx?$/;
const parsed = new WeakMap<Tree, readonly CodeFile[]>();

/** The code of a tree; each tree is parsed once, however many rules look at it. */
export function codeOf(tree: Tree): readonly CodeFile[] {
  const known = parsed.get(tree);
  if (known) return known;
  const files = [...tree.texts].filter(([path]) => isCode.test(path)).map(([path, text]) => parse(path, text));
  parsed.set(tree, files);
  return files;
}

/** Runs `look` over the files that `applies` picks and gathers what it reports. */
export function findInCode(
  tree: Tree,
  applies: (path: string) => boolean,
  look: (file: CodeFile, report: Report) => void,
): readonly Finding[] {
  const findings: Finding[] = [];
  for (const file of codeOf(tree).filter(({ path }) => applies(path))) {
    look(file, (offset, message) => {
      findings.push({ path: file.path, line: lineAt(file.text, offset), message });
    });
  }
  return findings;
}

/** Walks the syntax tree of a file. */
export function walk(file: CodeFile, visitor: VisitorObject): void {
  new Visitor(visitor).visit(file.program);
}

/** The names of a call: `it.skip(…)` is `['it', 'skip']`; what is no plain name is left out. */
export function calleeNames(callee: Callee): readonly string[] {
  if (callee.type === 'Identifier') return [callee.name];
  if (callee.type === 'CallExpression') return calleeNames(callee.callee);
  if (callee.type !== 'MemberExpression') return [];
  const last = callee.property.type === 'Identifier' ? [callee.property.name] : [];
  return [...calleeNames(callee.object), ...last];
}

function parse(path: string, text: string): CodeFile {
  const { program, module, comments, errors } = parseSync(path, text);
  const fault = errors[0];
  if (fault) throw new Error(`Cannot parse ${path}: ${fault.message}`);
  const requests = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest),
    ...module.staticExports.flatMap(({ entries }) => entries.flatMap(({ moduleRequest }) => moduleRequest ?? [])),
  ].map(({ value, start }) => ({ specifier: value, line: lineAt(text, start) }));
  const dynamic = module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) => {
    const literal = /^(['"`])([^$]*)\1$/.exec(text.slice(start, end));
    return literal?.[2] === undefined ? [] : [{ specifier: literal[2], line: lineAt(text, start) }];
  });
  return { path, text, program, comments, imports: [...new Map([...requests, ...dynamic].map(distinct)).values()] };
}

/** Keyed so that `export { a, b } from 'x'`, two entries of one statement, counts once. */
function distinct(found: ImportOf): [string, ImportOf] {
  return [`${found.line} ${found.specifier}`, found];
}
