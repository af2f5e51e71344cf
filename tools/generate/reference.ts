import { openApiOf, platformProblems } from '../../platform/src/http/index.ts';
import { hostSettings } from '../../platform/src/service/index.ts';
import { realDatabases } from '../../platform/src/testing/real-databases.ts';
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

/** The schema of each service on each engine that answers, and the engines that do not. */
export async function renderSchemas(
  root: string,
  services: readonly DocumentedService[],
): Promise<{ readonly pages: Pages; readonly unreachable: readonly string[] }> {
  const pages = new Map<string, string>();
  const engines = services.length === 0 ? [] : await realDatabases();
  const postgresql = engines.filter(({ dialect }) => dialect.name === 'postgresql');
  for (const engine of postgresql.filter(({ unreachable }) => unreachable === undefined)) {
    for (const service of services) {
      const database = await engine.createDatabase();
      try {
        const text = await renderSchema(root, service, { dialect: engine.dialect, url: database.url });
        pages.set(`schema/${service.face.name}.txt`, text);
      } finally {
        await database.drop();
      }
    }
  }
  return { pages, unreachable: postgresql.flatMap(({ unreachable }) => unreachable ?? []) };
}

function renderOpenApi(service: DocumentedService): string {
  const document = openApiOf({ ...service, rolesWith: (permission) => service.roles.rolesWith(permission) });
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
