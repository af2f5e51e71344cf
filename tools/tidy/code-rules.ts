import { type CodeFile, findInCode, type Report, walk } from './code.ts';
import type { Finding, Rule } from './rule.ts';
import { isTest, lineAt, type Tree } from './tree.ts';

const linesMax = 300;
const reasonLengthMin = 10;
/** A reason stands beside its line, above it, or above the function whose first line it is. */
const reasonReach = [0, 1, 2];
const everyFile = (): boolean => true;

/** Where process.env may be read: the reader of the configuration, and what is no part of a running service. */
const mayReadEnvironment = /^platform\/src\/(config|testing)\/|^tools\/|^bench\/|^apps\/cli\/bin\/|\.config\.ts$/;

/** Comments that silence a checker, and whether one with a reason is accepted. */
const suppressions: readonly { readonly mark: RegExp; readonly accepts: RegExp | undefined }[] = [
  { mark: /@ts-(ignore|nocheck)/, accepts: undefined },
  { mark: /@ts-expect-error/, accepts: new RegExp(`@ts-expect-error\\W+.{${reasonLengthMin}}`) },
  {
    mark: /(ox|es)lint-disable/,
    accepts: new RegExp(`(ox|es)lint-disable(-next-line|-line)?\\s+[\\w@/, -]+? -- .{${reasonLengthMin}}`),
  },
  {
    mark: /((v8|c8|istanbul) ignore|(prettier|oxfmt)-ignore)/,
    accepts: new RegExp(`(ignore[\\w ]*)(--|:)\\s*.{${reasonLengthMin}}`),
  },
];

export const codeRules: readonly Rule[] = [
  {
    name: 'environment',
    holds: 'The configuration of the platform alone reads process.env.',
    find: (tree) => findInCode(tree, (path) => !mayReadEnvironment.test(path) && !isTest(path), reportEnvironment),
  },
  {
    name: 'exports',
    holds: "Exports are a list of names: no `export *`, no default export (but in a tool's configuration file).",
    find: (tree) => findInCode(tree, everyFile, reportExports),
  },
  {
    name: 'file-names',
    holds: 'A file is named after what it is about, never utils, helpers or common.',
    find: (tree) => [...tree.paths].flatMap(vagueName),
  },
  {
    name: 'file-length',
    holds: `A file of code has at most ${linesMax} lines.`,
    find: findLong,
  },
  {
    name: 'unfinished',
    holds: 'What is left to do stands in an issue, not in a comment.',
    find: (tree) => findInCode(tree, everyFile, reportUnfinished),
  },
  {
    name: 'suppressions',
    holds: `A comment that silences a checker names the rule and says why: \`-- reason\`, ${reasonLengthMin} letters or more.`,
    find: (tree) => findInCode(tree, everyFile, reportSuppressions),
  },
  {
    name: 'casts',
    holds: 'No `any`, no `!`; a cast through unknown has its reason in a comment above it or beside it.',
    find: (tree) => findInCode(tree, everyFile, reportCasts),
  },
];

function reportEnvironment(file: CodeFile, report: Report): void {
  const message = 'only platform/src/config reads process.env; take the value from typed configuration';
  walk(file, {
    MemberExpression({ object, property, start }) {
      const isEnvironment = property.type === 'Identifier' && property.name === 'env';
      if (isEnvironment && object.type === 'Identifier' && object.name === 'process') report(start, message);
    },
    ImportDeclaration({ source, specifiers, start }) {
      if (!/^(node:)?process$/.test(source.value)) return;
      if (specifiers.some(({ local, type }) => type === 'ImportSpecifier' && local.name === 'env')) {
        report(start, message);
      }
    },
    VariableDeclarator({ id, init, start }) {
      const isProcess = init?.type === 'Identifier' && init.name === 'process';
      if (isProcess && id.type === 'ObjectPattern' && /\benv\b/.test(file.text.slice(id.start, id.end))) {
        report(start, message);
      }
    },
  });
}

function reportExports(file: CodeFile, report: Report): void {
  walk(file, {
    ExportAllDeclaration: ({ start }) => report(start, 'list the names instead of `export *`'),
    ExportDefaultDeclaration({ start }) {
      if (!/\.config\.[cm]?[jt]s$/.test(file.path)) report(start, 'give the export a name instead of `default`');
    },
    ExportSpecifier({ exported, start }) {
      if (exported.type === 'Identifier' && exported.name === 'default') report(start, 'give the export a name');
    },
  });
}

function vagueName(path: string): readonly Finding[] {
  const parts = path.split('/').map((part) => part.replace(/\..*$/, ''));
  const vague = parts.find((part) => /^(utils?|helpers?|common|misc)$/i.test(part));
  return vague === undefined ? [] : [{ path, line: 1, message: `"${vague}" says nothing; name what is in it` }];
}

function findLong(tree: Tree): readonly Finding[] {
  return [...tree.texts]
    .filter(([path]) => /\.([cm]?[jt]sx?|sh|css|sql)$|^\.ci\//.test(path))
    .map(([path, text]) => ({ path, lines: lineAt(text.trimEnd(), text.length) }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, lines }) => ({ path, line: linesMax + 1, message: `${lines} lines; split it by what it is about` }));
}

function reportUnfinished({ comments }: CodeFile, report: Report): void {
  for (const { value, start } of comments) {
    const mark = /\b(TODO|FIXME|XXX|HACK)\b/.exec(value)?.[0];
    if (mark !== undefined) report(start, `"${mark}": do it, or open an issue`);
  }
}

function reportSuppressions({ comments }: CodeFile, report: Report): void {
  for (const { value, start } of comments) {
    const broken = suppressions.find(({ mark, accepts }) => mark.test(value) && accepts?.test(value) !== true);
    if (!broken) continue;
    const mark = broken.mark.exec(value)?.[0];
    report(start, broken.accepts ? `${mark} needs its rule and a reason` : `${mark} is never accepted; mend the type`);
  }
}

function reportCasts(file: CodeFile, report: Report): void {
  const explained = new Set(
    file.comments.flatMap(({ end }) => reasonReach.map((lines) => lineAt(file.text, end) + lines)),
  );
  walk(file, {
    TSAnyKeyword: ({ start }) => report(start, '`any` switches the checks off; use unknown and narrow it'),
    TSNonNullExpression: ({ end }) => report(end, '`!` hides a missing value; handle it'),
    VariableDeclarator({ definite, start }) {
      if (definite === true) report(start, '`!:` hides a missing value; give it one');
    },
    PropertyDefinition({ definite, start }) {
      if (definite) report(start, '`!:` hides a missing value; give it one');
    },
    TSAsExpression({ expression, start }) {
      const isDouble = expression.type === 'TSAsExpression' && expression.typeAnnotation.type === 'TSUnknownKeyword';
      if (isDouble && !explained.has(lineAt(file.text, start))) report(start, 'say in a comment why this cast holds');
    },
  });
}
