import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { flag, integer, password, text } from '../../platform/src/config/index.ts';
import { defineProblem } from '../../platform/src/kernel/index.ts';
import { defineRoles } from '../../platform/src/service/index.ts';
import { renderConfiguration } from './configuration.ts';
import { loadServices } from './documented-service.ts';
import { renderErrors, uncatalogued } from './errors.ts';
import { differences, settle } from './pages.ts';
import { renderPermissions, unreachable } from './permissions.ts';

const face = { name: 'mexa' };
const notFound = defineProblem('route_not_found', 404, 'Not Found', 'There is nothing at {path}.').definition;
const redeemed = defineProblem('redeemed', 409, 'Conflict', 'It was redeemed | <void>.').definition;
const unknown = defineProblem('unknown', 404, 'Not Found', 'There is no voucher {id}.').definition;

describe('errors', () => {
  it('lists what all services share once, and what each adds, by status', () => {
    const page = renderErrors([notFound], [{ face, problems: [notFound, redeemed, unknown] }]);
    const rows = page.split('\n').filter((line) => line.startsWith('| `') || line.startsWith('## '));
    expect(rows).toEqual([
      '## Every service',
      '| `route_not_found` | 404 | Not Found | There is nothing at {path}. |',
      '## mexa',
      '| `unknown` | 404 | Not Found | There is no voucher {id}. |',
      '| `redeemed` | 409 | Conflict | It was redeemed \\| &lt;void>. |',
    ]);
  });

  it('names the file of a problem that no catalogue lists', () => {
    const code = new Map([
      ['a.ts', "defineProblem('redeemed', 409, '', ''); defineProblem(\n  'lost', 404, '', '');"],
      ['b.ts', "defineProblem('route_not_found', 404, '', '')"],
    ]);
    const missing = ["a.ts: the problem lost is in no service's list of problems"];
    expect(uncatalogued(code, [notFound], [{ face, problems: [redeemed] }])).toEqual(missing);
  });
});

describe('configuration', () => {
  const host = { PORT: integer('The port', 8000, { min: 1, max: 9 }), DEMO: flag('Demo data', true) };
  const own = {
    PORT: host.PORT,
    DB_PASSWORD: password('Of the database', 'mexa_pass'),
    DB_NAME: text('Name', undefined),
  };
  const page = renderConfiguration(host, [{ face, settings: own }]);

  it('lists the settings of the process and those that a service adds', () => {
    const names = page.split('\n').flatMap((line) => /^\| `(\w+)`|^## (.+)/.exec(line)?.slice(1) ?? []);
    expect(names.filter(Boolean)).toEqual(['The process', 'DEMO', 'PORT', 'mexa', 'DB_NAME', 'DB_PASSWORD']);
    expect(page).toContain('| `PORT` | The port | a whole number from 1 to 9 | `8000` |');
  });

  it('never shows the default of a secret', () => {
    expect(page).toContain('| `DB_PASSWORD` | Of the database | a password (secret) | none |');
    expect(page).not.toContain('mexa_pass');
  });
});

describe('permissions', () => {
  const roles = defineRoles({ admin: ['vale.issue', 'vale.read_all'], cajero: ['vale.issue'] });
  const issue = { method: 'POST', path: '/vales', operation: 'vale.issue', access: 'permission' } as const;
  const health = { method: 'GET', path: '/health', operation: 'health', access: 'public' } as const;
  const service = { face, roles, rootRoutes: [health], apiRoutes: [issue], apiPrefixes: ['/api/v1', '/api'] };

  it('shows who holds what, and what it opens', () => {
    const page = renderPermissions([service]);
    expect(page).toContain('| Permission | Opens | admin | cajero |');
    expect(page).toContain('| `vale.issue` | `POST /api/v1/vales` | yes | yes |');
    expect(page).toContain('| `vale.read_all` |  | yes |  |');
    expect(page).toContain('Anybody: `GET /health`.');
    expect(page).toContain('Everybody who is signed in: nothing.');
  });

  it('finds a route that nobody may call', () => {
    expect(unreachable([service])).toEqual([]);
    const lost = { ...service, apiRoutes: [{ ...issue, operation: 'vale.void' }] };
    expect(unreachable([lost])).toEqual(['mexa: no role holds vale.void, so nobody may /api/v1/vales']);
  });
});

describe('the folder', () => {
  it('is compared, settled, and then equal', async () => {
    const folder = await scratchFolder();
    const before = new Map([
      ['errors.md', 'old'],
      ['openapi/gone.json', '{}'],
    ]);
    await settle(folder, before, await differences(folder, before));
    const pages = new Map([
      ['errors.md', 'new'],
      ['openapi/mexa.json', '{}'],
    ]);
    const found = await differences(folder, pages);
    expect(found).toEqual([
      { path: 'errors.md', kind: 'different' },
      { path: 'openapi/gone.json', kind: 'left over' },
      { path: 'openapi/mexa.json', kind: 'missing' },
    ]);
    await settle(folder, pages, found);
    expect(await differences(folder, pages)).toEqual([]);
  });
});

describe('the services', () => {
  const good = `export const mexa = { face: { name: 'mexa' }, settings: {}, roles: {}, problems: [], rootRoutes: [],
    apiRoutes: [], apiPrefixes: [], migrations: {} }; export const other = 1;`;

  it('are found by their service.ts', async () => {
    const root = await houseWith({ 'services/mexa/src/service.ts': good, 'services/next/README.md': '' });
    const services = await loadServices(root);
    expect(services.map((service) => service.face.name)).toEqual(['mexa']);
  });

  it('are none in an empty house', async () => {
    expect(await loadServices(await scratchFolder())).toEqual([]);
  });

  it('must be one a file', async () => {
    const none = await houseWith({ 'services/mexa/src/service.ts': 'export const mexa = 1;' });
    await expect(loadServices(none)).rejects.toThrow('service.ts exports 0 services, not one');
    const two = await houseWith({ 'services/mexa/src/service.ts': `${good} export const finca = { ...mexa };` });
    await expect(loadServices(two)).rejects.toThrow('service.ts exports 2 services, not one');
  });
});

async function houseWith(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await scratchFolder();
  const pages = new Map(Object.entries(files));
  await settle(root, pages, await differences(root, pages));
  return root;
}

async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quinta-generate-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
