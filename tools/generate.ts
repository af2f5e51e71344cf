import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { loadServices } from './generate/documented-service.ts';
import { uncatalogued } from './generate/errors.ts';
import { differences, settle } from './generate/pages.ts';
import { unreachable } from './generate/permissions.ts';
import { renderReference, renderSchemas, sharedProblems } from './generate/reference.ts';
import { isTest, readTree } from './tidy/tree.ts';

const usage = `generate: the reference in docs/reference, from the code.

  npm run generate                writes what differs
  npm run generate -- --check     writes nothing; lists what differs and exits with 1

errors.md, configuration.md, permissions.md and openapi/<service>.json come from the code alone, schema/<service>.txt from
an embedded database that all migrations have made.`;

const root = join(import.meta.dirname, '..');
const folder = join(root, 'docs/reference');

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const services = await loadServices(root);
  const faults = services.length === 0 ? [] : [...uncatalogued(await productCode(), sharedProblems, services)];
  faults.push(...unreachable(services));
  const schemas = await renderSchemas(root, services);
  const pages = new Map([...renderReference(services), ...schemas]);
  const found = await differences(folder, pages);
  if (!values.check) await settle(folder, pages, found);
  for (const { path, kind } of found) console.log(`docs/reference/${path} ${values.check ? 'is' : 'was'} ${kind}`);
  for (const fault of faults) console.log(fault);
  if (values.check && found.length > 0)
    console.log('`npm run generate` writes them anew; read the change and commit it');
  return faults.length > 0 || (values.check && found.length > 0) ? 1 : 0;
}

/** The code that runs in production, where every problem that a client may meet is defined. */
async function productCode(): Promise<ReadonlyMap<string, string>> {
  const { texts } = await readTree(root);
  return new Map([...texts].filter(([path]) => isProduct(path)));
}

function isProduct(path: string): boolean {
  return /^(platform|services\/[^/]+)\/src\/.+\.ts$/.test(path) && !isTest(path) && !path.includes('/testing/');
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
