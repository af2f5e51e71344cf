import type { AuditLedger } from '@quinta/platform/audit';
import type { Database } from '@quinta/platform/database';
import type { AccessTokens, Families, PasswordHasher, Revocations } from '@quinta/platform/identity';
import type { KeyValue, Limiter } from '@quinta/platform/keyvalue';
import type { Clock, Log } from '@quinta/platform/kernel';
import type { SubscriptionStore } from './abonnement/subscription-store.ts';
import type { MemberCodes } from './access/member-code.ts';
import type { PasswordStore } from './auth/password-store.ts';
import type { RoleStore } from './auth/role-store.ts';
import type { MemberStore } from './member/member-store.ts';
import type { MoveAccesConfig } from './settings.ts';
import type { Closings } from './socket/closings.ts';
import type { Hub } from './socket/hub.ts';
import type { SubscriptionWatch } from './socket/subscription-watch.ts';

/** What the use cases of Move Acces stand on. */
export interface MoveAcces {
  readonly config: MoveAccesConfig;
  readonly isInProduction: boolean;
  readonly database: Database;
  readonly members: MemberStore;
  readonly subscriptions: SubscriptionStore;
  readonly passwordRows: PasswordStore;
  readonly roleRows: RoleStore;
  readonly passwords: PasswordHasher;
  readonly tokens: AccessTokens;
  readonly families: Families;
  readonly revocations: Revocations;
  readonly codes: MemberCodes;
  readonly hub: Hub;
  readonly closings: Closings;
  readonly subscriptionWatch: SubscriptionWatch;
  readonly limiter: Limiter;
  readonly keyValue: KeyValue;
  readonly ledger: AuditLedger;
  readonly clock: Clock;
  readonly log: Log;
}
