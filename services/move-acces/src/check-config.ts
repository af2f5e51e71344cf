import { ConfigError } from '@quinta/platform/config';
import { createPasswordHasher, type PasswordHasher } from '@quinta/platform/identity';
import { resolveSecret } from '@quinta/platform/service';
import { readPlainDigest, sampleHashes } from './auth/legacy-hashes.ts';
import { isInProduction, type MoveAccesConfig } from './settings.ts';

const secretBytesMin = 32;

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
  const faults = [...secretFaults(config), ...hashingFaults(config)];
  if (config.REFRESH_TOKEN_TTL_HOURS > config.REFRESH_ABSOLUTE_TTL_HOURS) {
    faults.push(
      `REFRESH_TOKEN_TTL_HOURS holds ${config.REFRESH_TOKEN_TTL_HOURS}, but should hold ` +
        `REFRESH_ABSOLUTE_TTL_HOURS (${config.REFRESH_ABSOLUTE_TTL_HOURS}) at most`,
    );
  }
  if (faults.length > 0) throw new ConfigError(faults);
}

/** The hasher that the settings describe; throws a RangeError where they do not fit together. */
export function passwordHasherOf(config: MoveAccesConfig): PasswordHasher {
  return createPasswordHasher({
    memoryKiB: config.ARGON2_MEMORY_KIB,
    passes: config.ARGON2_PASSES,
    lanes: config.ARGON2_LANES,
    queueMax: config.HASHING_QUEUE_MAX,
    ...(config.HASHING_CONCURRENCY === undefined ? {} : { concurrencyMax: config.HASHING_CONCURRENCY }),
    equaliseWith: sampleHashes[config.LEGACY_HASHES],
    ...(config.LEGACY_HASHES === 'all' ? { readOther: readPlainDigest } : {}),
  });
}

function secretFaults(config: MoveAccesConfig): string[] {
  const names = ['APP_SECRET', 'APP_SECRET_PREVIOUS'] as const;
  const faults = names.flatMap((name) => {
    const bytes = Buffer.byteLength(config[name] ?? '');
    const isShort = config[name] !== undefined && bytes < secretBytesMin;
    return isShort ? [`${name} holds ${bytes} bytes, but should hold a secret of ${secretBytesMin} or more`] : [];
  });
  if (config.APP_SECRET !== undefined && config.APP_SECRET === config.APP_SECRET_PREVIOUS) {
    faults.push(
      'APP_SECRET_PREVIOUS holds the same secret as APP_SECRET, but should hold the one before it, or nothing',
    );
  }
  return faults;
}

function hashingFaults(config: MoveAccesConfig): string[] {
  try {
    passwordHasherOf(config);
    return [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [`ARGON2_MEMORY_KIB, ARGON2_PASSES and ARGON2_LANES do not fit together: ${error.message}`];
  }
}
