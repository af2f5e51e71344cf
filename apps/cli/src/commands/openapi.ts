import { openApiOf } from '@quinta/platform/http';
import type { Command } from 'commander';
import { serviceNamed } from '../services.ts';
import { print } from '../surroundings.ts';

export function addOpenApiCommand(program: Command): void {
  program
    .command('openapi <service>')
    .description('prints the OpenAPI 3.1 document; needs no database')
    .action((name: string) => {
      const { face, rootRoutes, apiRoutes, apiPrefixes, problems, roles } = serviceNamed(name);
      const document = openApiOf({
        face,
        rootRoutes,
        apiRoutes,
        apiPrefixes,
        problems,
        rolesWith: (permission) => roles.rolesWith(permission),
      });
      print(JSON.stringify(document, undefined, 2));
    });
}
