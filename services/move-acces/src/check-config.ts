import { ConfigError } from '@quinta/platform/config';
import type { PasswordHasher } from '@quinta/platform/identity';
import { hashingFaults, passwordHasherOf, resolveSecret, secretFaults } from '@quinta/platform/service';
import { readPlainDigest, sampleHashes } from './auth/legacy-hashes.ts';
import { isInProduction, type MoveAccesConfig } from './settings.ts';

/**
 * What settings must be together, and secrets in themselves: said before a database is touched.
 * @throws ConfigError
 */
export function checkMoveAccesConfig(
  config: MoveAccesConfig,
  where: { readonly isProduction: boolean; readonly dataDirectory: string },
): void {
  const isProduction = isInProduction(config, where.isProduction);
  if (isProduction) resolveSecret('APP_SECRET', config.APP_SECRET, { ...where, isProduction });
  const faults = [
    ...secretFaults(config, ['APP_SECRET', 'APP_SECRET_PREVIOUS']),
    ...hashingFaults(() => hasherOf(config)),
  ];
  if (config.REFRESH_TOKEN_TTL_HOURS > config.REFRESH_ABSOLUTE_TTL_HOURS) {
    faults.push(
      `REFRESH_TOKEN_TTL_HOURS holds ${config.REFRESH_TOKEN_TTL_HOURS}, but should hold ` +
        `REFRESH_ABSOLUTE_TTL_HOURS (${config.REFRESH_ABSOLUTE_TTL_HOURS}) at most`,
    );
  }
  if (isProduction && config.DATABASE_URL === undefined && config.DB_URL === undefined) {
    faults.push('DB_URL is not set, but production needs the database of the other system');
  }
  if (faults.length > 0) throw new ConfigError(faults);
}

/** The hasher that the settings describe, with what the earlier system's hashes ask for. */
export function hasherOf(config: MoveAccesConfig): PasswordHasher {
  return passwordHasherOf(config, {
    equaliseWith: sampleHashes[config.LEGACY_HASHES],
    ...(config.LEGACY_HASHES === 'all' ? { readOther: readPlainDigest } : {}),
  });
}
