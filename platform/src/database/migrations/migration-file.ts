import { writeFile } from 'node:fs/promises';
import { MigrationError } from './migration-error.ts';
import { listMigrationFiles } from './stream.ts';

export interface NewMigration {
  readonly name: string;
  readonly url: URL;
}

const namePattern = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const nameLengthMax = 60;
const numberMax = 999;

/**
 * Writes the next migration of a folder: `createMigrationFile(folder, 'add_role')` makes `v005_add_role.ts` behind
 * `v004_…`. Throws a MigrationError for a name that is not in small_letters_with_underscores.
 * @param prefix the letter of a folder that is still empty; default `v`
 */
export async function createMigrationFile(folder: URL, name: string, prefix = 'v'): Promise<NewMigration> {
  if (!namePattern.test(name) || name.length > nameLengthMax) {
    throw new MigrationError(
      'bad_request',
      `"${name}" is no name for a migration: expected at most ${nameLengthMax} small letters, digits and single underscores, such as add_role_to_users`,
    );
  }
  const last = (await listMigrationFiles(folder)).at(-1);
  const number = (last?.number ?? 0) + 1;
  if (number > numberMax) throw new MigrationError('bad_request', `A folder holds at most ${numberMax} migrations`);
  const full = `${last?.prefix ?? prefix}${String(number).padStart(3, '0')}_${name}`;
  const base = folder.href.endsWith('/') ? folder.href : `${folder.href}/`;
  const url = new URL(`${full}.ts`, base);
  await writeFile(url, template(name), { flag: 'wx' });
  return { name: full, url };
}

function template(name: string): string {
  return `import type { Migration } from '@quinta/platform/database';

export const migration: Migration = {
  why: 'Say in one sentence why ${name.replaceAll('_', ' ')} is needed.',

  async up(runner) {
    await runner.run(\`select 1\`);
  },

  async down(runner) {
    await runner.run(\`select 1\`);
  },
};
`;
}
