import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { AnyService } from '../../platform/src/service/index.ts';

/** What the reference is made of: the part of a service that can be read without opening it. */
export type DocumentedService = Pick<
  AnyService,
  'face' | 'settings' | 'roles' | 'problems' | 'rootRoutes' | 'apiRoutes' | 'apiPrefixes' | 'migrations'
>;

const members = ['face', 'settings', 'roles', 'problems', 'rootRoutes', 'apiRoutes', 'apiPrefixes', 'migrations'];

/**
 * Imports `services/<name>/src/service.ts` wherever there is one, in the order of the names.
 * Throws an Error that names the file, when it exports no service or more than one.
 */
export async function loadServices(root: string): Promise<readonly DocumentedService[]> {
  const folder = join(root, 'services');
  const names = (await filesIn(folder)).toSorted();
  const services: DocumentedService[] = [];
  for (const name of names) {
    if (!(await filesIn(join(folder, name, 'src'))).includes('service.ts')) continue;
    services.push(await loadService(join(folder, name, 'src/service.ts')));
  }
  return services;
}

async function loadService(path: string): Promise<DocumentedService> {
  const module = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  const found = Object.values(module).filter(isDocumented);
  const [service] = found;
  if (service === undefined || found.length > 1) throw new Error(`${path} exports ${found.length} services, not one`);
  return service;
}

function isDocumented(value: unknown): value is DocumentedService {
  return typeof value === 'object' && value !== null && members.every((member) => member in value);
}

async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
}
