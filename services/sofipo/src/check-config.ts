import { ConfigError } from '@quinta/platform/config';
import { couchAddressOf } from '@quinta/platform/documents';
import { hashingFaults, passwordHasherOf, resolveSecret, secretFaults } from '@quinta/platform/service';
import { databaseUrlOf } from './addresses.ts';
import { businessDays } from './business-day.ts';
import type { SofipoConfig } from './settings.ts';

/**
 * What settings must be together, and secrets in themselves: said before a database is touched.
 * @throws ConfigError
 */
export function checkSofipoConfig(
  config: SofipoConfig,
  where: { readonly isProduction: boolean; readonly dataDirectory: string },
): void {
  if (where.isProduction) resolveSecret('API_SECRET_KEY', config.API_SECRET_KEY, where);
  businessDays(config.SOFIPO_TIME_ZONE);
  refuseBadAddress(config);
  const faults = [
    ...secretFaults(config, ['API_SECRET_KEY', 'API_SECRET_KEY_PREVIOUS']),
    ...hashingFaults(() => passwordHasherOf(config)),
  ];
  if ((config.SOFIPO_ADMIN_USERNAME === undefined) !== (config.SOFIPO_ADMIN_PASSWORD === undefined)) {
    faults.push('SOFIPO_ADMIN_USERNAME and SOFIPO_ADMIN_PASSWORD go together: one is missing');
  }
  const isReplicaNamed = config.POSTGRES_REPLICA_HOST !== undefined && config.DATABASE_REPLICA_URL === undefined;
  if (isReplicaNamed && (config.POSTGRES_HOST === undefined || config.DATABASE_URL !== undefined)) {
    faults.push(
      'POSTGRES_REPLICA_HOST goes with POSTGRES_HOST, whose user and name it takes; beside DATABASE_URL set DATABASE_REPLICA_URL',
    );
  }
  if (config.DATABASE_REPLICA_URL !== undefined && databaseUrlOf(config) === undefined) {
    faults.push('DATABASE_REPLICA_URL goes with DATABASE_URL: an embedded database has no replica');
  }
  if (faults.length > 0) throw new ConfigError(faults);
}

function refuseBadAddress(config: SofipoConfig): void {
  try {
    couchAddressOf(config);
  } catch (error) {
    throw new ConfigError([`COUCHDB_URL: ${error instanceof Error ? error.message : String(error)}`]);
  }
}
