import { createPasswordHasher, type PasswordHasher, type PasswordHasherOptions } from '../identity/index.ts';
import type { Metrics } from '../telemetry/index.ts';

const secretBytesMin = 32;

/** What is wrong with the secret that signs, and with the one before it; a sentence each. */
export function secretFaults(
  config: Readonly<Record<string, unknown>>,
  [current, previous]: readonly [current: string, previous: string],
): string[] {
  const faults = [current, previous].flatMap((name) => {
    const secret = config[name];
    const bytes = typeof secret === 'string' ? Buffer.byteLength(secret) : secretBytesMin;
    return bytes < secretBytesMin
      ? [`${name} holds ${bytes} bytes, but should hold a secret of ${secretBytesMin} or more`]
      : [];
  });
  if (config[current] !== undefined && config[current] === config[previous]) {
    faults.push(`${previous} holds the same secret as ${current}, but should hold the one before it, or nothing`);
  }
  return faults;
}

/** The settings of hashing that every service with passwords has. */
export interface HashingConfig {
  readonly ARGON2_MEMORY_KIB: number;
  readonly ARGON2_PASSES: number;
  readonly ARGON2_LANES: number;
  readonly HASHING_QUEUE_MAX: number;
  readonly HASHING_CONCURRENCY: number | undefined;
}

/** The hasher that the settings describe; throws a RangeError where they do not fit together. */
export function passwordHasherOf(
  config: HashingConfig,
  legacy: Pick<PasswordHasherOptions, 'equaliseWith' | 'readOther'> = {},
): PasswordHasher {
  return createPasswordHasher({
    memoryKiB: config.ARGON2_MEMORY_KIB,
    passes: config.ARGON2_PASSES,
    lanes: config.ARGON2_LANES,
    queueMax: config.HASHING_QUEUE_MAX,
    ...(config.HASHING_CONCURRENCY === undefined ? {} : { concurrencyMax: config.HASHING_CONCURRENCY }),
    ...legacy,
  });
}

/** A hasher that shows how busy it is, and how many it turned away: a flood of sign-ins is seen here first. */
export function shownHasher(hasher: PasswordHasher, metrics: Metrics): PasswordHasher {
  const states = ['running', 'waiting', 'finished', 'refused'] as const;
  const read = () => states.map((state) => ({ labels: { state }, value: hasher.stats[state] }));
  const help = 'Passwords that are hashed now or wait for it, and those done or refused since the start.';
  metrics.gauge('quinta_password_hashes', help, read, { labelNames: ['state'] });
  return hasher;
}

/** What is wrong with the settings of hashing together. */
export function hashingFaults(make: () => PasswordHasher): string[] {
  try {
    make();
    return [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [`ARGON2_MEMORY_KIB, ARGON2_PASSES and ARGON2_LANES do not fit together: ${error.message}`];
  }
}
