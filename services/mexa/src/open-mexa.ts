import { createHash } from 'node:crypto';
import { readStatement } from '@quinta/platform/database';
import { forgetIdempotencyKeys } from '@quinta/platform/http';
import {
  createAccessTokens,
  createFamilies,
  invalidTokenHeaders,
  tokenInvalid,
  watchRevocations,
} from '@quinta/platform/identity';
import type { Actor } from '@quinta/platform/kernel';
import { type OpenedService, resolveSecret, type ServiceParts } from '@quinta/platform/service';
import type { Mexa } from './app.ts';
import { passwordHasherOf } from './check-config.ts';
import { recordRefusal } from './audit-log/record-refusal.ts';
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
    passwords: passwordHasherOf(config),
    tokens: createAccessTokens({
      keys: signingKeysOf(secret, config.JWT_SECRET_PREVIOUS),
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
    authenticate: (token) => authenticate(app, token),
    onRefused: ({ permission }, context) => recordRefusal(app, context, permission),
    housekeep: () => housekeep(app),
    close: () => revocations.stop(),
  };
}

/** A token that is good and whose session has not ended. Nearly every one is known, and then nothing is waited for. */
function authenticate(app: Mexa, token: string): Promise<Actor> | Actor {
  const known = app.tokens.remembered(token);
  return known ? inOpenSession(app, known) : app.tokens.verify(token).then((actor) => inOpenSession(app, actor));
}

function inOpenSession({ revocations }: Mexa, actor: Actor): Promise<Actor> | Actor {
  const isRevoked = revocations.isRevoked(actor.sessionId);
  return isRevoked instanceof Promise
    ? isRevoked.then((is) => unlessRevoked(actor, is))
    : unlessRevoked(actor, isRevoked);
}

function unlessRevoked(actor: Actor, isRevoked: boolean): Actor {
  if (isRevoked) throw tokenInvalid({}, { headers: invalidTokenHeaders });
  return actor;
}

async function housekeep({ database, families, clock }: Mexa): Promise<void> {
  await forgetIdempotencyKeys(database, new Date(clock.now().getTime() - idempotencyKeepMs));
  await database.transact((tx) => families.purgeExpired(tx, purgeMax));
}

/** The key's name is a part of its own digest, so that every process gives the same secret the same name. */
function signingKeysOf(secret: string, previous: string | undefined): { kid: string; secret: string }[] {
  return [secret, previous].flatMap((key) => (key === undefined ? [] : [{ kid: keyNameOf(key), secret: key }]));
}

function keyNameOf(secret: string): string {
  return createHash('sha256').update(`quinta kid ${secret}`).digest('base64url').slice(0, 8);
}
