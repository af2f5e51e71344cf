import { fileURLToPath } from 'node:url';
import { mexa } from '../../services/mexa/src/service.ts';
import { hostSettings } from '../../platform/src/service/index.ts';
import type { Variables } from './children.ts';
import { emptiedVariables } from './serving.ts';

/** The `quinta` command of this checkout. */
export const mainScript = fileURLToPath(new URL('../../apps/cli/src/main.ts', import.meta.url));

/** Whether MEXA knows a setting: what is measured may be older than the bench. */
export function knowsSetting(name: string): boolean {
  return Object.hasOwn(mexa.settings, name) || Object.hasOwn(hostSettings, name);
}

/** MEXA as in production, on a database of the stage: its own defaults in everything that is not about the place. */
export function quintaVariables(options: {
  readonly folder: string;
  readonly urls: { readonly ownerUrl: string; readonly applicationUrl: string };
  readonly secret: string;
}): Variables {
  return {
    ...emptiedVariables(mexa),
    ...surroundings(),
    APP_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: '0',
    QUINTA_DATA_DIR: options.folder,
    DATABASE_URL: options.urls.applicationUrl,
    MIGRATION_DATABASE_URL: options.urls.ownerUrl,
    JWT_SECRET: options.secret,
    AUDIT_SIGNING_KEY: `audit-${options.secret}`,
    ACCESS_TOKEN_TTL_S: '86400',
  };
}

/** What any program needs to find its way. */
export function surroundings(): Variables {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', LC_ALL: 'C.UTF-8', TZ: 'UTC' };
}
