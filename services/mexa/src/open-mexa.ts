import { recordRefusal } from '@quinta/platform/audit';
import { readStatement } from '@quinta/platform/database';
import { forgetIdempotencyKeys } from '@quinta/platform/http';
import {
  authenticator,
  createAccessTokens,
  createFamilies,
  namedKeys,
  watchRevocations,
} from '@quinta/platform/identity';
import {
  type OpenedService,
  passwordHasherOf,
  resolveSecret,
  type ServiceParts,
  shownHasher,
} from '@quinta/platform/service';
import type { Mexa } from './app.ts';
import { openSets } from './sets.ts';
import type { MexaConfig } from './settings.ts';
import { ensureConfiguredAdmin } from './usuario/first-admin.ts';

const schemaVersion = readStatement<[], { version: string }>(
  'health.schema_version',
  'select version_num as version from alembic_version',
);
const idempotencyKeepMs = 7 * 86_400_000;
const purgeMax = 10_000;

/** Puts MEXA's parts together. */
export async function openMexa(parts: ServiceParts<MexaConfig>): Promise<OpenedService<Mexa>> {
  const { config, database, clock, log } = parts;
  const secret = resolveSecret('JWT_SECRET', config.JWT_SECRET, parts);
  const revocations = watchRevocations({ database, accessTtlSeconds: config.ACCESS_TOKEN_TTL_S, log });
  const app: Mexa = {
    config,
    database,
    revocations,
    sets: openSets(database, parts.metrics),
    ledger: parts.ledger,
    clock,
    log,
    passwords: shownHasher(passwordHasherOf(config), parts.metrics),
    tokens: createAccessTokens({
      keys: namedKeys(secret, config.JWT_SECRET_PREVIOUS),
      issuer: 'quinta',
      audience: 'mexa',
      ttlSeconds: config.ACCESS_TOKEN_TTL_S,
      clock,
    }),
    families: createFamilies({
      successorKey: secret,
      clock,
      idleTtlSeconds: config.REFRESH_IDLE_TTL_S,
      absoluteTtlSeconds: config.REFRESH_ABSOLUTE_TTL_S,
      graceSeconds: config.REFRESH_GRACE_S,
      onRevoked: (familyId) => revocations.revokedHere(familyId),
    }),
    schemaVersion: async () => (await database.run(schemaVersion, [])).rows[0]?.version ?? 'none',
    databaseAddress: parts.databaseAddress,
  };
  await revocations.start();
  await ensureConfiguredAdmin(app);
  return {
    app,
    authenticate: authenticator(app),
    onRefused: ({ permission }, context) => recordRefusal(app, context, permission),
    housekeep: () => housekeep(app),
    close: () => revocations.stop(),
  };
}

async function housekeep({ database, families, clock }: Mexa): Promise<void> {
  await forgetIdempotencyKeys(database, new Date(clock.now().getTime() - idempotencyKeepMs));
  await database.transact((tx) => families.purgeExpired(tx, purgeMax));
}
