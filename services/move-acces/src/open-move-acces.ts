import {
  authenticator,
  createAccessTokens,
  createFamilies,
  type Families,
  namedKeys,
  type Revocations,
  watchRevocations,
} from '@quinta/platform/identity';
import { recordRefusal } from '@quinta/platform/audit';
import { type OpenedService, resolveSecret, type ServiceParts, shownHasher } from '@quinta/platform/service';
import { subscriptionStore } from './abonnement/subscription-store.ts';
import { memberCodes } from './access/member-code.ts';
import type { MoveAcces } from './app.ts';
import { passwordStore } from './auth/password-store.ts';
import { roleStore } from './auth/role-store.ts';
import { hasherOf } from './check-config.ts';
import { legacyColumns } from './legacy/columns.ts';
import { memberStore } from './member/member-store.ts';
import { forgetRegistrations } from './member/register.ts';
import { isInProduction, type MoveAccesConfig } from './settings.ts';
import { openClosings } from './socket/closings.ts';
import { type Hub, openHub } from './socket/hub.ts';
import { watchSubscriptions } from './socket/subscription-watch.ts';

const minuteS = 60;
const hourS = 3_600;
const purgeMax = 10_000;

/** Puts the parts of Move Acces together. */
export async function openMoveAcces(parts: ServiceParts<MoveAccesConfig>): Promise<OpenedService<MoveAcces>> {
  const { config, database, clock, log } = parts;
  const isProduction = isInProduction(config, parts.isProduction);
  const secret = resolveSecret('APP_SECRET', config.APP_SECRET, { ...parts, isProduction });
  const columns = await legacyColumns(database, config.LEGACY_COLUMNS);
  const accessTtlSeconds = config.ACCESS_TOKEN_TTL_MIN * minuteS;
  const revocations = watchRevocations({ database, accessTtlSeconds, log });
  const hub = openHub({ keyValue: parts.keyValue, revocations, clock, log });
  const app: MoveAcces = {
    config,
    isInProduction: isProduction,
    database,
    revocations,
    members: memberStore(columns),
    subscriptions: subscriptionStore,
    passwordRows: passwordStore(columns),
    roleRows: roleStore,
    passwords: shownHasher(hasherOf(config), parts.metrics),
    tokens: createAccessTokens({
      keys: namedKeys(secret, config.APP_SECRET_PREVIOUS),
      issuer: 'quinta',
      audience: 'move-acces',
      ttlSeconds: accessTtlSeconds,
      clock,
    }),
    families: familiesOf(parts, { secret, hub, revocations }),
    codes: memberCodes(secret, clock),
    hub,
    closings: openClosings({ database, log }),
    subscriptionWatch: watchSubscriptions({
      database,
      subscriptions: subscriptionStore,
      hub,
      log,
      everyMs: config.ABONNEMENT_WATCH_S * 1_000,
    }),
    limiter: parts.limiter,
    keyValue: parts.keyValue,
    ledger: parts.ledger,
    clock,
    log,
  };
  await revocations.start();
  await hub.start();
  app.subscriptionWatch.start();
  return {
    app,
    authenticate: authenticator(app),
    onRefused: ({ permission }, context) => recordRefusal(app, context, permission),
    housekeep: () =>
      database.transact(async (tx) => {
        await app.families.purgeExpired(tx, purgeMax);
        await forgetRegistrations(tx);
      }),
    close: () => closeParts(app),
  };
}

async function closeParts({ subscriptionWatch, hub, closings, revocations }: MoveAcces): Promise<void> {
  await subscriptionWatch.stop();
  await hub.stop();
  await closings.stop();
  await revocations.stop();
}

/** Sessions, whose end every process learns at once. */
function familiesOf(
  { config, clock }: ServiceParts<MoveAccesConfig>,
  { secret, hub, revocations }: { readonly secret: string; readonly hub: Hub; readonly revocations: Revocations },
): Families {
  return createFamilies({
    successorKey: secret,
    clock,
    idleTtlSeconds: config.REFRESH_TOKEN_TTL_HOURS * hourS,
    absoluteTtlSeconds: config.REFRESH_ABSOLUTE_TTL_HOURS * hourS,
    graceSeconds: config.REFRESH_GRACE_S,
    onRevoked: (familyId) => {
      revocations.revokedHere(familyId);
      hub.sessionEnded(familyId);
    },
  });
}
