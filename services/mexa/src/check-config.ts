import { ConfigError } from '@quinta/platform/config';
import { createPasswordHasher, type PasswordHasher } from '@quinta/platform/identity';
import { resolveSecret } from '@quinta/platform/service';
import type { MexaConfig } from './settings.ts';

const secretBytesMin = 32;

/**
 * What settings must be together, and secrets in themselves: said before a database is touched.
 * @throws ConfigError
 */
export function checkMexaConfig(
  config: MexaConfig,
  where: { readonly isProduction: boolean; readonly dataDirectory: string },
): void {
  if (where.isProduction) resolveSecret('JWT_SECRET', config.JWT_SECRET, where);
  const faults = [...secretFaults(config), ...hashingFaults(config)];
  if (faults.length > 0) throw new ConfigError(faults);
}

/** The hasher that the settings describe; throws a RangeError where they do not fit together. */
export function passwordHasherOf(config: MexaConfig): PasswordHasher {
  return createPasswordHasher({
    memoryKiB: config.ARGON2_MEMORY_KIB,
    passes: config.ARGON2_PASSES,
    lanes: config.ARGON2_LANES,
    queueMax: config.HASHING_QUEUE_MAX,
    ...(config.HASHING_CONCURRENCY === undefined ? {} : { concurrencyMax: config.HASHING_CONCURRENCY }),
  });
}

function secretFaults(config: MexaConfig): string[] {
  const names = ['JWT_SECRET', 'JWT_SECRET_PREVIOUS'] as const;
  const faults = names.flatMap((name) => {
    const bytes = Buffer.byteLength(config[name] ?? '');
    const isShort = config[name] !== undefined && bytes < secretBytesMin;
    return isShort ? [`${name} holds ${bytes} bytes, but should hold a secret of ${secretBytesMin} or more`] : [];
  });
  if (config.JWT_SECRET !== undefined && config.JWT_SECRET === config.JWT_SECRET_PREVIOUS) {
    faults.push(
      'JWT_SECRET_PREVIOUS holds the same secret as JWT_SECRET, but should hold the one before it, or nothing',
    );
  }
  return faults;
}

function hashingFaults(config: MexaConfig): string[] {
  try {
    passwordHasherOf(config);
    return [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [`ARGON2_MEMORY_KIB, ARGON2_PASSES and ARGON2_LANES do not fit together: ${error.message}`];
  }
}
