import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path/posix';

import type { Finding, Rule } from './rule.ts';
import type { Tree } from './tree.ts';

/** Folders of migrations, not the migrator's own code. A service runs the platform's beside its own, so they differ. */
const migrationFolder = /^(services\/[^/]+|platform)\/migrations$/;
const migrationName = /^[vp](\d{3})_[a-z0-9]+(_[a-z0-9]+)*\.ts$/;
const lockFile = 'lock.json';

export const migrationRules: readonly Rule[] = [
  {
    name: 'migration-names',
    holds: "Migrations are named v001_what_it_does.ts, the platform's p001_, numbered without gap or double.",
    find: (tree) => [...foldersOf(tree)].flatMap(([folder, files]) => misnumbered(folder, files)),
  },
  {
    name: 'migration-lock',
    holds: `Every migration stands in the ${lockFile} of its folder as it was when it landed, and nothing else does.`,
    find: (tree) => [...foldersOf(tree)].flatMap(([folder, files]) => unlocked(tree, folder, files)),
  },
];

function foldersOf(tree: Tree): ReadonlyMap<string, readonly string[]> {
  const files = [...tree.paths].filter((path) => migrationFolder.test(dirname(path)) && isMigration(path)).toSorted();
  return new Map(Object.entries(Object.groupBy(files, (path) => dirname(path))).map(([key, of]) => [key, of ?? []]));
}

function isMigration(path: string): boolean {
  return path.endsWith('.ts') && !path.endsWith('.test.ts');
}

function misnumbered(folder: string, files: readonly string[]): readonly Finding[] {
  const letter = folder.startsWith('platform/') ? 'p' : 'v';
  const numbered = files.filter((path) => migrationName.test(basename(path)) && basename(path).startsWith(letter));
  const misnamed = files
    .filter((path) => !numbered.includes(path))
    .map((path) => ({ path, line: 1, message: `is not named ${letter}001_what_it_does.ts` }));
  const out = numbered
    .map((path, index) => ({ path, number: Number(migrationName.exec(basename(path))?.[1]), due: index + 1 }))
    .filter(({ number, due }) => number !== due)
    .slice(0, 1)
    .map(({ path, due }) => ({ path, line: 1, message: `number ${due} of ${folder} is missing or doubled` }));
  return [...misnamed, ...out];
}

function unlocked(tree: Tree, folder: string, files: readonly string[]): readonly Finding[] {
  const path = `${folder}/${lockFile}`;
  const text = tree.texts.get(path);
  if (text === undefined) return [{ path, line: 1, message: 'is missing; `quinta migrate lock` writes it' }];
  const locked = lockedIn(text);
  const hashes = new Map(files.map((file) => [basename(file, '.ts'), sha256(tree.texts.get(file) ?? '')]));
  const messages = [
    ...[...hashes.keys()].filter((name) => !locked.has(name)).map((name) => `${name} is not locked`),
    ...[...hashes].filter(([name, hash]) => (locked.get(name) ?? hash) !== hash).map(([name]) => `${name} was edited`),
    ...[...locked.keys()].filter((name) => !hashes.has(name)).map((name) => `${name} is locked and not there`),
  ];
  return messages.map((message) => ({ path, line: 1, message }));
}

/** The lock is an object of names and SHA-256 in hexadecimal, as the migrator writes it. */
function lockedIn(text: string): ReadonlyMap<string, string> {
  const lock: unknown = JSON.parse(text);
  const entries = typeof lock === 'object' && lock !== null ? Object.entries(lock) : [];
  return new Map(entries.map(([name, hash]) => [name, String(hash)]));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
