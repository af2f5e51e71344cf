import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { describe, expect, it } from 'vitest';

import { realDatabases } from '../../platform/src/testing/real-databases.ts';
import { renderSchema } from './schema.ts';

const migration = `export const migration = {
  why: 'The schema page needs something to show.',
  up: (runner) => runner.run('create table cows (id int not null primary key, ear_tag varchar(20) not null unique)'),
  down: (runner) => runner.run('drop table cows'),
};`;

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(real.name, () => {
    it('shows every table, column and constraint that the migrations make', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'quinta-schema-'));
      const database = await real.createDatabase();
      try {
        await writeFile(join(folder, 'v001_cows.ts'), migration);
        const root = join(import.meta.dirname, '../..');
        const migrations = { folder: pathToFileURL(`${folder}/`), platform: [] };
        const empty = { dialect: real.dialect, url: database.url };
        const page = await renderSchema(root, { face: { name: 'finca' }, migrations }, empty);
        expect(page.split('\n')[0]).toBe(`finca on ${real.dialect.name}`);
        expect(page).toContain('ear_tag');
        expect(page).toMatch(/unique/i);
      } finally {
        await database.drop();
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
}
