import type { ProblemDefinition } from '../../platform/src/kernel/index.ts';
import { pageHead, table } from './markdown.ts';

export interface ProblemSource {
  readonly face: { readonly name: string };
  readonly problems: readonly ProblemDefinition[];
}

const about = `What the services refuse, and why. Every refusal is an RFC 9457 \`application/problem+json\` body whose \`code\` is
stable; \`detail\` is the sentence below with its placeholders filled in.`;

/** The catalogue: what every service may answer, then what each adds. */
export function renderErrors(shared: readonly ProblemDefinition[], services: readonly ProblemSource[]): string {
  const sharedCodes = new Set(shared.map(({ code }) => code));
  const own = services.map(({ face, problems }) =>
    section(
      face.name,
      problems.filter(({ code }) => !sharedCodes.has(code)),
    ),
  );
  return [pageHead('Errors', about), section('Every service', shared), ...own].join('\n');
}

/** Codes that the code defines and no catalogue lists, so that a client could meet what no page explains. */
export function uncatalogued(
  code: ReadonlyMap<string, string>,
  shared: readonly ProblemDefinition[],
  services: readonly ProblemSource[],
): readonly string[] {
  const listed = new Set([...shared, ...services.flatMap(({ problems }) => problems)].map((problem) => problem.code));
  return [...code].flatMap(([path, text]) =>
    [...text.matchAll(/\bdefineProblem\(\s*'(\w+)'/g)]
      .filter(([, name = '']) => !listed.has(name))
      .map(([, name]) => `${path}: the problem ${name} is in no service's list of problems`),
  );
}

function section(title: string, problems: readonly ProblemDefinition[]): string {
  const rows = problems
    .toSorted((a, b) => a.status - b.status || (a.code < b.code ? -1 : 1))
    .map(({ code, status, title: words, sentence }) => [`\`${code}\``, String(status), words, sentence]);
  return `## ${title}\n\n${rows.length === 0 ? 'Nothing of its own.\n' : table(['Code', 'Status', 'Title', 'Sentence'], rows)}`;
}
