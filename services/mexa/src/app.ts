import type { AuditLedger } from '@quinta/platform/audit';
import type { Database } from '@quinta/platform/database';
import type { Families, PasswordHasher, AccessTokens, Revocations } from '@quinta/platform/identity';
import type { Clock, Log } from '@quinta/platform/kernel';
import type { MexaSets } from './sets.ts';
import type { MexaConfig } from './settings.ts';

/** What MEXA's use cases stand on. */
export interface Mexa {
  readonly config: MexaConfig;
  readonly database: Database;
  readonly passwords: PasswordHasher;
  readonly tokens: AccessTokens;
  readonly families: Families;
  readonly revocations: Revocations;
  readonly sets: MexaSets;
  readonly ledger: AuditLedger;
  readonly clock: Clock;
  readonly log: Log;
  /** The newest migration of the service that the database has had: `007`. */
  readonly schemaVersion: () => Promise<string>;
  /** Where the database is, without user or password, as `/health` has always shown it. */
  readonly databaseAddress: { readonly host: string; readonly port: number; readonly database: string };
}
