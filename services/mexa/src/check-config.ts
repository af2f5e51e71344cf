import { ConfigError } from '@quinta/platform/config';
import { hashingFaults, passwordHasherOf, resolveSecret, secretFaults } from '@quinta/platform/service';
import type { MexaConfig } from './settings.ts';

/**
 * What settings must be together, and secrets in themselves: said before a database is touched.
 * @throws ConfigError
 */
export function checkMexaConfig(
  config: MexaConfig,
  where: { readonly isProduction: boolean; readonly dataDirectory: string },
): void {
  if (where.isProduction) resolveSecret('JWT_SECRET', config.JWT_SECRET, where);
  const faults = [
    ...secretFaults(config, ['JWT_SECRET', 'JWT_SECRET_PREVIOUS']),
    ...hashingFaults(() => passwordHasherOf(config)),
  ];
  if (faults.length > 0) throw new ConfigError(faults);
}
