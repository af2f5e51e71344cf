import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package as `package-lock.json` notes it. */
interface LockedPackage {
  readonly version?: string;
  readonly optional?: boolean;
  readonly dev?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type Packages = Record<string, LockedPackage>;

/** Parts of the names of platform packages, and the systems that npm calls so. */
const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'sunos', 'win32', 'aix', 'netbsd', 'openbsd'];
const processors: Readonly<Record<string, string>> = {
  arm64: 'arm64',
  arm: 'arm',
  'arm-eabi': 'arm',
  'arm-gnueabihf': 'arm',
  'arm-musleabihf': 'arm',
  ia32: 'ia32',
  loong64: 'loong64',
  mips64el: 'mips64el',
  ppc64: 'ppc64',
  ppc64le: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  wasm32: 'wasm32',
  x64: 'x64',
};

/**
 * The entries that a lock lacks: optional packages for other platforms, which npm leaves out where its registry does not
 * offer them, and then misses (`npm ci` fails, and a Mac would go without its binaries). Each is noted with its exact
 * version and for its own system and processor, so that nobody else fetches it.
 */
export function missingPlatformPackages(packages: Packages): Packages {
  const missing: Packages = {};
  for (const [place, locked] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(locked.optionalDependencies ?? {})) {
      if (isLocked(packages, place, name)) continue;
      const platform = platformOf(name);
      if (!platform)
        throw new Error(`${name}, an optional package of ${place || 'the root'}, is neither locked nor of a platform`);
      missing[`node_modules/${name}`] = {
        version: exact(version),
        ...(locked.dev ? { dev: true } : {}),
        optional: true,
        ...platform,
      };
    }
  }
  return missing;
}

function isLocked(packages: Packages, place: string, name: string): boolean {
  for (let folder = place; ; folder = folder.replace(/\/?(?:node_modules\/(?:@[^/]+\/)?[^/]+|[^/]+)$/, '')) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

function platformOf(name: string): { os: string[]; cpu: string[] } | undefined {
  const words = name.split('/').at(-1) ?? '';
  const cpuOf = (text: string): string | undefined =>
    Object.keys(processors)
      .toSorted((a, b) => b.length - a.length)
      .find((word) => new RegExp(`(^|-)${word}(-|$)`).test(text));
  const cpu = cpuOf(words);
  if (cpu === 'wasm32') return { os: ['none'], cpu: ['wasm32'] };
  const os = systems.find((system) => new RegExp(`(^|-)${system}(-|$)`).test(words));
  return os && cpu ? { os: [os], cpu: [processors[cpu] ?? cpu] } : undefined;
}

function exact(range: string): string {
  if (!/^\d+\.\d+\.\d+(?:[-+].+)?$/.test(range)) throw new Error(`${range} is no exact version`);
  return range;
}

if (import.meta.main) {
  const file = join(import.meta.dirname, '../package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Packages };
  const missing = missingPlatformPackages(lock.packages);
  const root = lock.packages[''] ?? {};
  const rest = Object.entries({ ...lock.packages, ...missing }).filter(([place]) => place !== '');
  const packages = Object.fromEntries([['', root], ...rest.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
  writeFileSync(file, `${JSON.stringify({ ...lock, packages }, undefined, 2)}\n`);
  console.log(`${Object.keys(missing).length} platform packages were added to package-lock.json`);
}
