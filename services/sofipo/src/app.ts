import type { AuditLedger } from '@quinta/platform/audit';
import type { Database } from '@quinta/platform/database';
import type { DocumentStore } from '@quinta/platform/documents';
import type { AccessTokens, Families, PasswordHasher, Revocations } from '@quinta/platform/identity';
import type { Clock, Log } from '@quinta/platform/kernel';
import type { SofipoCaches } from './caches.ts';
import type { CalendarDate } from './engine/index.ts';
import type { ReadYourWrites } from './read-your-writes.ts';
import type { SofipoSets } from './sets.ts';
import type { SofipoConfig } from './settings.ts';

/** What SOFIPO's use cases stand on. */
export interface Sofipo extends ReadYourWrites {
  readonly config: SofipoConfig;
  /** The primary: for what is read or written behind the scenes. Routes have `reads` and `writes`. */
  readonly database: Database;
  readonly passwords: PasswordHasher;
  readonly tokens: AccessTokens;
  readonly families: Families;
  readonly revocations: Revocations;
  readonly caches: SofipoCaches;
  readonly sets: SofipoSets;
  /** Where events are written down. */
  readonly documents: DocumentStore;
  readonly ledger: AuditLedger;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether strangers may read what the README calls public. */
  readonly hasPublicReads: boolean;
  /** The business day at this moment. */
  readonly today: () => CalendarDate;
}
