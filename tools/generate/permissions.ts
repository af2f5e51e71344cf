import { pageHead, table } from './markdown.ts';

export interface PermittedService {
  readonly face: { readonly name: string };
  readonly roles: {
    readonly roles: readonly string[];
    readonly permissions: readonly string[];
    can(role: string, permission: string): boolean;
  };
  readonly rootRoutes: readonly PermittedRoute[];
  readonly apiRoutes: readonly PermittedRoute[];
  readonly apiPrefixes: readonly string[];
}

interface PermittedRoute {
  readonly method: string;
  readonly path: string;
  readonly operation: string;
  readonly access: 'public' | 'signed-in' | 'permission';
}

const about = `Who may what. A permission is the name of an operation; a role is a set of them. A permission without a route widens
what another operation shows.`;

export function renderPermissions(services: readonly PermittedService[]): string {
  return [pageHead('Permissions', about), ...services.map(section)].join('\n');
}

function section(service: PermittedService): string {
  const { roles, face } = service;
  const routes = routesOf(service);
  const rows = roles.permissions.map((permission) => [
    `\`${permission}\``,
    addresses(routes.filter(({ operation, access }) => operation === permission && access === 'permission')),
    ...roles.roles.map((role) => (roles.can(role, permission) ? 'yes' : '')),
  ]);
  const open = (['public', 'signed-in'] as const).map((access) => {
    const words = access === 'public' ? 'Anybody' : 'Everybody who is signed in';
    return `${words}: ${addresses(routes.filter((route) => route.access === access)) || 'nothing'}.\n`;
  });
  return [`## ${face.name}\n`, table(['Permission', 'Opens', ...roles.roles], rows), ...open].join('\n');
}

/** Routes that ask for a permission which no role holds: nobody could ever call them. */
export function unreachable(services: readonly PermittedService[]): readonly string[] {
  return services.flatMap((service) =>
    routesOf(service)
      .filter(({ access, operation }) => access === 'permission' && !service.roles.permissions.includes(operation))
      .map(({ operation, path }) => `${service.face.name}: no role holds ${operation}, so nobody may ${path}`),
  );
}

function routesOf({ rootRoutes, apiRoutes, apiPrefixes }: PermittedService): readonly PermittedRoute[] {
  return [...rootRoutes, ...apiRoutes.map((route) => ({ ...route, path: `${apiPrefixes[0] ?? ''}${route.path}` }))];
}

function addresses(routes: readonly PermittedRoute[]): string {
  return routes.map(({ method, path }) => `\`${method} ${path}\``).join(', ');
}
