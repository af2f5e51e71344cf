import { dirname, join } from 'node:path/posix';

import { codeOf } from './code.ts';
import { type Manifest, manifestOver, manifestsOf, packageOf } from './packages.ts';
import type { Finding, Rule } from './rule.ts';
import { isTest, type Tree } from './tree.ts';

/** Who may import whom; each row also imports itself. `tools`, `bench`, `chaos` and the root's configuration stand outside. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  platform: ['kernel'],
  services: ['kernel', 'platform'],
  apps: ['kernel', 'platform', 'services'],
  outside: ['kernel', 'platform', 'services', 'apps'],
};

/** The door of a platform folder, and the types that others may take without loading the drivers behind it. */
const platformDoors = new Set(['index.ts', 'contract.ts']);

/** Packages that one place alone may know, so that another can replace them. Tests may speak to the real part. */
const adapters: readonly { readonly driver: string; readonly home: RegExp }[] = [
  { driver: 'pg', home: /^platform\/src\/database\// },
  { driver: 'mysql2', home: /^platform\/src\/database\// },
  { driver: 'ioredis', home: /^platform\/src\/keyvalue\// },
  { driver: 'redis', home: /^platform\/src\/keyvalue\// },
  { driver: 'rabbitmq-client', home: /^platform\/src\/messaging\// },
  { driver: 'nano', home: /^platform\/src\/documents\// },
  { driver: 'nodemailer', home: /^platform\/src\/mail\// },
  { driver: 'mercadopago', home: /^services\/crodify\/src\/payment\// },
  { driver: 'pdfkit', home: /^services\/sofipo\/src\/document\// },
  { driver: '@node-rs/argon2', home: /^platform\/src\/identity\// },
  { driver: '@node-rs/bcrypt', home: /^platform\/src\/identity\// },
  { driver: 'jose', home: /^platform\/src\/identity\// },
  { driver: 'prom-client', home: /^platform\/src\/telemetry\// },
  { driver: 'cockatiel', home: /^platform\/src\/resilience\// },
];

const testTools = new Set(['vitest', 'fast-check']);

interface Import {
  readonly path: string;
  readonly line: number;
  readonly specifier: string;
  /** The file or folder in this tree that is meant; undefined for a package from outside. */
  readonly target: string | undefined;
}

export const importRules: readonly Rule[] = [
  {
    name: 'direction',
    holds: 'Imports run apps -> services -> platform -> kernel; services never import each other.',
    find: (tree) => findImports(tree, directionFault),
  },
  {
    name: 'package-doors',
    holds: 'A package is entered through its exports, a folder of the platform through its index.ts or contract.ts.',
    find: (tree) => findImports(tree, doorFault),
  },
  {
    name: 'drivers',
    holds: 'A driver is imported by its adapter alone.',
    find: (tree) => findImports(tree, driverFault),
  },
  {
    name: 'test-tools',
    holds: 'Nothing that runs in production imports the tools of the tests.',
    find: (tree) => findImports(tree, testToolFault),
  },
];

function directionFault({ path, specifier, target }: Import): string | undefined {
  const from = placeOf(path);
  if (target === undefined) {
    const isKernel = from.layer === 'kernel' && !isTest(path) && packageOf(specifier) !== undefined;
    return isKernel ? `the kernel imports only itself and node:, not ${specifier}` : undefined;
  }
  const to = placeOf(target);
  if (from.layer === 'kernel' && isTest(path) && to.folder === 'platform/src/testing') return undefined;
  const isAllowed = from.layer === to.layer ? from.part === to.part : mayImport[from.layer]?.includes(to.layer);
  return isAllowed ? undefined : `${from.part} may not import ${to.part}`;
}

function doorFault({ path, specifier, target }: Import): string | undefined {
  if (target === undefined) return undefined;
  const from = placeOf(path);
  const to = placeOf(target);
  if (!specifier.startsWith('.')) return undefined; // by name, so the package's `exports` are the door
  if (from.layer !== 'outside' && from.part.split('/')[0] !== to.part.split('/')[0]) {
    return `enter ${to.part} by its package name, not by ${specifier}`;
  }
  const crosses = to.folder !== undefined && from.folder !== undefined && from.folder !== to.folder;
  // The tools of the tests look inside: they break connections, stop servers, build what no caller may.
  if (from.folder === 'platform/src/testing') return undefined;
  // And a test of the platform may load the one tool that it needs.
  if (isTest(path) && to.folder === 'platform/src/testing') return undefined;
  const isDoor = platformDoors.has(target.slice((to.folder?.length ?? 0) + 1));
  return crosses && !isDoor ? `enter ${to.folder} through its index.ts, not by ${specifier}` : undefined;
}

function driverFault({ path, specifier }: Import): string | undefined {
  const name = packageOf(specifier);
  const adapter = adapters.find(({ driver }) => driver === name);
  if (adapter === undefined || adapter.home.test(path) || isTest(path) || /^bench\/|\/src\/testing\//.test(path)) {
    return undefined;
  }
  return `${adapter.driver} belongs to its adapter in ${adapter.home.source.replaceAll(/[\^\\]/g, '')}`;
}

function testToolFault({ path, specifier, target }: Import): string | undefined {
  if (isTest(path) || !/^(platform|services|apps)\//.test(path) || /\/src\/testing\/|\.config\.ts$/.test(path)) {
    return undefined;
  }
  const isTool = testTools.has(packageOf(specifier) ?? '') || (target !== undefined && /\/testing(\/|$)/.test(target));
  return isTool ? `${specifier} is for tests` : undefined;
}

function findImports(tree: Tree, faultOf: (found: Import) => string | undefined): readonly Finding[] {
  const manifests = manifestsOf(tree);
  return codeOf(tree).flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier, line }) => {
      const message = faultOf({ path, line, specifier, target: targetOf(manifests, path, specifier) });
      return message === undefined ? [] : [{ path, line, message }];
    }),
  );
}

/** Where in the tree a specifier leads: a file for a relative one, the source folder for a package of the house. */
function targetOf(manifests: readonly Manifest[], path: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return join(dirname(path), specifier);
  const manifest = manifests.find(({ name }) => name === packageOf(specifier));
  if (manifest === undefined || manifest.folder === '') return undefined;
  if (manifestOver(manifests, path) === manifest && isTest(path)) return undefined;
  return join(manifest.folder, 'src', specifier.slice(manifest.name.length));
}

interface Place {
  readonly layer: string;
  /** What two files of one layer must share to import each other: the service or app, else the layer. */
  readonly part: string;
  /** The folder of the platform whose door is asked for. */
  readonly folder: string | undefined;
}

function placeOf(path: string): Place {
  const kernelOrFolder = /^platform\/src\/([^/]+)/.exec(path);
  if (kernelOrFolder?.[1] === 'kernel') return { layer: 'kernel', part: 'platform/kernel', folder: kernelOrFolder[0] };
  if (path.startsWith('platform/')) return { layer: 'platform', part: 'platform', folder: kernelOrFolder?.[0] };
  // A launcher runs before anything is installed, so it is a part of the set-up, wherever npm wants it to lie.
  if (/^apps\/[^/]+\/bin\//.test(path)) return { layer: 'outside', part: 'outside', folder: undefined };
  const member = /^(services|apps)\/[^/]+/.exec(path);
  if (member?.[1] !== undefined) return { layer: member[1], part: member[0], folder: undefined };
  return { layer: 'outside', part: 'outside', folder: undefined };
}
