import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { holdEmbeddedServer, postgresql } from '../../platform/src/database/index.ts';
import { openApiOf, platformProblems } from '../../platform/src/http/index.ts';
import { silentLog } from '../../platform/src/kernel/index.ts';
import { hostSettings } from '../../platform/src/service/index.ts';
import { renderConfiguration } from './configuration.ts';
import type { DocumentedService } from './documented-service.ts';
import { renderErrors } from './errors.ts';
import type { Pages } from './pages.ts';
import { renderPermissions } from './permissions.ts';
import { renderSchema } from './schema.ts';

type Rendered = readonly (readonly [path: string, text: string])[];

/** Every generated file of `docs/reference`, and what renders it. */
const generators: readonly ((services: readonly DocumentedService[]) => Rendered)[] = [
  (services) => [['errors.md', renderErrors(sharedProblems, services)]],
  (services) => [['configuration.md', renderConfiguration(hostSettings, services)]],
  (services) => [['permissions.md', renderPermissions(services)]],
  (services) => services.map((service) => [`openapi/${service.face.name}.json`, renderOpenApi(service)]),
];

export const sharedProblems = platformProblems.map(({ definition }) => definition);

/** All pages that need no database. Without a service there is nothing to refer to. */
export function renderReference(services: readonly DocumentedService[]): Pages {
  return new Map(services.length === 0 ? [] : generators.flatMap((render) => render(services)));
}

/** The schema of each service, on an embedded server of its own: the same wherever it is rendered. */
export async function renderSchemas(root: string, services: readonly DocumentedService[]): Promise<Pages> {
  const pages = new Map<string, string>();
  const folder = await mkdtemp(join(tmpdir(), 'quinta-generate-'));
  // As root the server runs as another user, who must reach it here.
  await chmod(folder, 0o755);
  const server = await holdEmbeddedServer({ dataDirectory: folder, log: silentLog });
  try {
    for (const service of services) {
      const { ownerUrl: url } = await server.ensureDatabase(service.face.name.replaceAll('-', '_'));
      const text = await renderSchema(root, service, { dialect: postgresql, url });
      pages.set(`schema/${service.face.name}.txt`, text);
    }
  } finally {
    await server.release();
    await rm(folder, { recursive: true, force: true });
  }
  return pages;
}

function renderOpenApi(service: DocumentedService): string {
  const document = openApiOf({ ...service, rolesWith: (permission) => service.roles.rolesWith(permission) });
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
