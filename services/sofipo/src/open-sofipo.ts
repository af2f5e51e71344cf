import { recordRefusal } from '@quinta/platform/audit';
import { couchAddressOf, documentMetrics, type DocumentStore, openDocuments } from '@quinta/platform/documents';
import { forgetIdempotencyKeys } from '@quinta/platform/http';
import {
  authenticator,
  createAccessTokens,
  createFamilies,
  namedKeys,
  watchRevocations,
} from '@quinta/platform/identity';
import type { Log } from '@quinta/platform/kernel';
import {
  type OpenedService,
  passwordHasherOf,
  resolveSecret,
  type ServiceParts,
  shownHasher,
} from '@quinta/platform/service';
import type { Sofipo } from './app.ts';
import { ensureFirstAdmin } from './auth/ensure-user.ts';
import { todayIn } from './business-day.ts';
import { openCaches } from './caches.ts';
import { declareEvents } from './events/keep-events.ts';
import { openReadYourWrites } from './read-your-writes.ts';
import { PayingLoans } from './payment/paying-loans.ts';
import { openSets } from './sets.ts';
import type { SofipoConfig } from './settings.ts';

const minuteS = 60;
const idempotencyKeepMs = 7 * 86_400_000;
const purgeMax = 10_000;

/** Puts SOFIPO's parts together. */
export async function openSofipo(parts: ServiceParts<SofipoConfig>): Promise<OpenedService<Sofipo>> {
  const { config, database, clock, log, isProduction } = parts;
  const secret = resolveSecret('API_SECRET_KEY', config.API_SECRET_KEY, parts);
  const ttlSeconds = config.API_ACCESS_TOKEN_EXPIRE_MINUTES * minuteS;
  const revocations = watchRevocations({ database, accessTtlSeconds: ttlSeconds, log });
  const caches = openCaches({ keyValue: parts.keyValue, clock, log });
  const routing = openReadYourWrites(database, caches);
  const documents = openDocuments({ config, database, log, observe: documentMetrics(parts.metrics) });
  const today = todayIn(config.SOFIPO_TIME_ZONE, clock);
  const keys = namedKeys(secret, config.API_SECRET_KEY_PREVIOUS);
  const app: Sofipo = {
    config,
    database,
    revocations,
    caches,
    documents,
    ...routing,
    sets: openSets({ ...routing, clock, today, payingLoans: new PayingLoans() }, parts.metrics),
    ledger: parts.ledger,
    clock,
    log,
    passwords: shownHasher(passwordHasherOf(config), parts.metrics),
    tokens: createAccessTokens({ keys, issuer: 'quinta', audience: 'sofipo', ttlSeconds, clock }),
    // A session ends with its access token: there is nothing to refresh it with.
    families: createFamilies({
      successorKey: secret,
      clock,
      idleTtlSeconds: ttlSeconds,
      absoluteTtlSeconds: ttlSeconds,
      graceSeconds: 0,
      onRevoked: (familyId) => revocations.revokedHere(familyId),
    }),
    hasPublicReads: config.PUBLIC_READS === 'auto' ? !isProduction : config.PUBLIC_READS === 'on',
    today,
  };
  await revocations.start();
  await ensureFirstAdmin(app, isProduction);
  const declaring = declareMeanwhile(documents, log);
  return {
    app,
    authenticate: authenticator(app),
    onRefused: ({ permission }, context) => recordRefusal(app, context, permission),
    readyChecks: [
      {
        name: 'document_store',
        isEssential: false,
        check: async () => {
          await documents.ping();
          return { kind: couchAddressOf(config) ? 'couchdb' : 'table' };
        },
      },
    ],
    housekeep: () => housekeep(app),
    close: async () => {
      declaring.abort();
      caches.close();
      await documents.close();
      await revocations.stop();
    },
  };
}

/**
 * A store that is away is no reason not to start, nor one that says nothing to start later: what is written waits.
 * After the abort nobody is told that it was in vain.
 */
function declareMeanwhile(documents: DocumentStore, log: Log): AbortController {
  const declaring = new AbortController();
  declareEvents(documents).catch((error: unknown) => {
    if (!declaring.signal.aborted) log.warn({ error }, 'The document store is away');
  });
  return declaring;
}

async function housekeep({ database, families, clock }: Sofipo): Promise<void> {
  await forgetIdempotencyKeys(database, new Date(clock.now().getTime() - idempotencyKeepMs));
  await database.transact((tx) => families.purgeExpired(tx, purgeMax));
}
