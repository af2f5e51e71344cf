import { dirname, join } from 'node:path/posix';

import type { Finding, Rule } from './rule.ts';
import { lineAt, type Tree } from './tree.ts';

interface Pattern {
  readonly pattern: RegExp;
  readonly message: string;
}

/** What a secret looks like. Of the last one only what mixes letters and digits counts: names of things do not. */
const secrets: readonly Pattern[] = [
  { pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/]/g, message: 'a private key' },
  { pattern: /\bA(KI|SI)A[0-9A-Z]{16}\b/g, message: 'a key of Amazon Web Services' },
  { pattern: /\bgh[pousr]_[A-Za-z0-9]{36,}/g, message: 'a token of GitHub' },
  { pattern: /\bSG\.[\w-]{16,}\.[\w-]{16,}/g, message: 'a key of SendGrid' },
  { pattern: /\b(APP_USR|TEST)-\d{8,}-\d{6}-[0-9a-f]{32}/g, message: 'a token of Mercado Pago' },
  {
    pattern:
      /(secret|password|passwd|token|api_?key)\w*['"]?\s*[:=]\s*['"`]?(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{32,}/gi,
    message: 'a secret in plain text',
  },
];

/** Folders of one machine. `/app` and the like are the image's own and stand in its Dockerfile. */
const machinePaths: readonly Pattern[] = [
  { pattern: /(?<![\w.:/)}-])\/(work|root)\//g, message: 'a path of one machine' },
  { pattern: /(?<![\w.:/)}-])\/(home|Users)\/[a-z][\w-]*\//g, message: "a path in one person's home" },
];

const decisionLinesMax = 60;

export const textRules: readonly Rule[] = [
  {
    name: 'secrets',
    holds: 'No file holds a key, a token or a password.',
    find: (tree) => findPatterns(tree, secrets),
  },
  {
    name: 'machine-paths',
    holds: 'No file names a path of the machine it was written on.',
    find: (tree) => findPatterns(tree, machinePaths),
  },
  {
    name: 'links',
    holds: 'A link from one page of the house to another leads to a file and, with #, to a heading.',
    find: (tree) => [...tree.texts].filter(([path]) => path.endsWith('.md')).flatMap((page) => deadLinks(tree, page)),
  },
  {
    name: 'decision-length',
    holds: `A page in docs/decisions has at most ${decisionLinesMax} lines.`,
    find: (tree) =>
      [...tree.texts]
        .filter(([path, text]) => isDecision(path) && lineAt(text.trimEnd(), text.length) > decisionLinesMax)
        .map(([path]) => ({
          path,
          line: decisionLinesMax,
          message: 'context, decision, consequences: make it shorter',
        })),
  },
];

function findPatterns(tree: Tree, patterns: readonly Pattern[]): readonly Finding[] {
  return [...tree.texts].flatMap(([path, text]) =>
    patterns.flatMap(({ pattern, message }) =>
      [...text.matchAll(pattern)].map(({ index }) => ({ path, line: lineAt(text, index), message })),
    ),
  );
}

function deadLinks(tree: Tree, [path, text]: readonly [string, string]): readonly Finding[] {
  const prose = withoutCode(text);
  return [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)].flatMap(({ index, 1: link = '' }) => {
    const message = /^([a-z]+:|\/\/)/i.test(link) ? undefined : linkFault(tree, path, link);
    return message === undefined ? [] : [{ path, line: lineAt(prose, index), message }];
  });
}

function linkFault(tree: Tree, path: string, link: string): string | undefined {
  const [file = '', heading] = decodeURI(link).split('#');
  const target = file === '' ? path : join(file.startsWith('/') ? '' : dirname(path), file).replaceAll(/^\/|\/$/g, '');
  const isFolder = target === '.' || [...tree.paths].some((known) => known.startsWith(`${target}/`));
  if (!tree.paths.has(target) && !isFolder) return `${link} leads nowhere`;
  const page = tree.texts.get(target);
  if (heading === undefined || page === undefined || !target.endsWith('.md')) return undefined;
  return headingsOf(page).has(heading) ? undefined : `${target} has no heading #${heading}`;
}

/** The anchors that GitHub makes of headings: lower case, punctuation dropped, spaces as hyphens. */
function headingsOf(page: string): ReadonlySet<string> {
  const titles = [...withoutFences(page).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)].map(([, title = '']) => title);
  const anchors = titles.map((title) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
  return new Set(anchors);
}

/** Blanks out code and keeps every line where it is. */
function withoutCode(page: string): string {
  return withoutFences(page).replaceAll(/`[^`\n]*`/g, (code) => ' '.repeat(code.length));
}

function withoutFences(page: string): string {
  return page.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, (code) => code.replaceAll(/[^\n]/g, ' '));
}

function isDecision(path: string): boolean {
  return /^docs\/decisions\/.+\.md$/.test(path);
}
