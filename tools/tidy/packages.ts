import { dirname, join } from 'node:path/posix';

import { codeOf } from './code.ts';
import type { Finding, Rule } from './rule.ts';
import { isTest, type Tree } from './tree.ts';

/** What the rules read of a package.json. */
export interface Manifest {
  readonly path: string;
  /** The folder it stands in; empty for the root. */
  readonly folder: string;
  readonly name: string;
  readonly dependencies: ReadonlyMap<string, string>;
  readonly devDependencies: ReadonlyMap<string, string>;
  /** Paths that `exports`, `bin` and `main` promise, from the folder. */
  readonly targets: readonly string[];
}

const exactVersion = /^\d+\.\d+\.\d+(-[\w.]+)?$/;

/** Every package.json of the tree, the innermost folder first. */
export function manifestsOf(tree: Tree): readonly Manifest[] {
  return [...tree.texts]
    .filter(([path]) => /(^|\/)package\.json$/.test(path))
    .map(([path, text]) => parseManifest(path, text))
    .toSorted((a, b) => b.folder.length - a.folder.length);
}

/** The package that a file belongs to. */
export function manifestOver(manifests: readonly Manifest[], path: string): Manifest | undefined {
  return manifests.find(({ folder }) => folder === '' || path.startsWith(`${folder}/`));
}

/** `@scope/name/deep` is of `@scope/name`, `name/deep` of `name`; nothing for relative and built-in modules. */
export function packageOf(specifier: string): string | undefined {
  if (/^(\.|\/|#|node:)/.test(specifier)) return undefined;
  return /^(@[^/]+\/[^/]+|[^/]+)/.exec(specifier)?.[0];
}

export const packageRules: readonly Rule[] = [
  {
    name: 'exact-versions',
    holds: 'Every dependency is an exact version, so that two installs are the same.',
    find: (tree) =>
      manifestsOf(tree).flatMap(({ path, dependencies, devDependencies }) =>
        [...dependencies, ...devDependencies]
          .filter(([, version]) => !exactVersion.test(version))
          .map(([name, version]) => ({ path, line: 1, message: `${name} is "${version}"; name one exact version` })),
      ),
  },
  {
    name: 'declared-imports',
    holds: 'A package declares what it imports; tests and tools may also use the development tools of the root.',
    find: findUndeclared,
  },
  {
    name: 'exports-exist',
    holds: 'What a package.json exports or names as a command is there.',
    find: (tree) =>
      manifestsOf(tree).flatMap(({ path, folder, targets }) =>
        targets
          .filter((target) => !target.includes('*') && !tree.paths.has(join(folder, target)))
          .map((target) => ({ path, line: 1, message: `${target} does not exist` })),
      ),
  },
];

function findUndeclared(tree: Tree): readonly Finding[] {
  const manifests = manifestsOf(tree);
  const root = manifests.find(({ folder }) => folder === '');
  return codeOf(tree).flatMap(({ path, imports }) => {
    const own = manifestOver(manifests, path);
    const isProduct = own !== root && !isTest(path) && !path.includes('/testing/') && !path.endsWith('.config.ts');
    const declared = new Set([own?.name, ...(own?.dependencies.keys() ?? [])]);
    const forTests = new Set([...(own?.devDependencies.keys() ?? []), ...(root?.devDependencies.keys() ?? [])]);
    return imports.flatMap(({ specifier, line }) => {
      const name = packageOf(specifier);
      if (name === undefined || declared.has(name) || (!isProduct && forTests.has(name))) return [];
      const where = own?.path ?? 'package.json';
      return [{ path, line, message: `${name} is not in the ${isProduct ? 'dependencies' : 'list'} of ${where}` }];
    });
  });
}

function parseManifest(path: string, text: string): Manifest {
  const raw: unknown = JSON.parse(text);
  const field = (name: string): unknown => (isRecord(raw) ? raw[name] : undefined);
  return {
    path,
    folder: dirname(path) === '.' ? '' : dirname(path),
    name: String(field('name')),
    dependencies: new Map([...versions(field('dependencies')), ...versions(field('optionalDependencies'))]),
    devDependencies: new Map(versions(field('devDependencies'))),
    targets: [field('exports'), field('bin'), field('main')].flatMap(leaves),
  };
}

function versions(field: unknown): [string, string][] {
  return isRecord(field) ? Object.entries(field).map(([name, version]) => [name, String(version)]) : [];
}

/** The texts at the ends of nested conditions: `{".": {"types": "./a.d.ts", "default": "./a.js"}}`. */
function leaves(field: unknown): string[] {
  if (typeof field === 'string') return [field];
  return isRecord(field) ? Object.values(field).flatMap(leaves) : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
