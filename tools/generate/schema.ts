import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Dialect } from '../../platform/src/database/index.ts';
import { connect } from '../../platform/src/database/migrations/connection.ts';
import { createMigrator } from '../../platform/src/database/migrations/index.ts';
import { silentLog } from '../../platform/src/kernel/index.ts';

export interface MigratedService {
  readonly face: { readonly name: string };
  readonly migrations: {
    readonly folder: URL;
    readonly platform: readonly string[];
    readonly versionTable?: object;
  };
}

/** A database without a table. */
export interface EmptyDatabase {
  readonly dialect: Dialect;
  readonly url: string;
}

/** The one table of this kind that a README promised, and the one that the migrator knows. */
const promisedVersionTable = { name: 'alembic_version', column: 'version_num' } as const;

const lockTimeoutMs = 30_000;

/** The schema that all migrations of a service make on an empty database, one fact a line. */
export async function renderSchema(root: string, service: MigratedService, empty: EmptyDatabase): Promise<string> {
  const { folder, platform, versionTable } = service.migrations;
  await createMigrator({
    url: empty.url,
    service: service.face.name,
    streams: [
      { name: 'platform', folder: pathToFileURL(join(root, 'platform/migrations/')), only: platform },
      { name: service.face.name, folder },
    ],
    ...(versionTable === undefined ? {} : { versionTable: promisedVersionTable }),
    lockTimeoutMs,
    log: silentLog,
  }).up();
  const connection = await connect({ url: empty.url });
  try {
    const facts = await connection.describe();
    return `${[`${service.face.name} on ${empty.dialect.name}`, ...facts.map(({ text }) => text)].join('\n')}\n`;
  } finally {
    await connection.close();
  }
}
