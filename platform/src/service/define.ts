import type { AuditEntry, AuditLedger } from '../audit/index.ts';
import type { ConfigOf, Settings } from '../config/index.ts';
import type { MigrationRunner, RoutedDatabase } from '../database/index.ts';
import type { LegacyMembers, Mount, ReadyCheck, Route, ServiceFace, SocketRoute } from '../http/index.ts';
import type { Clock, Log, ProblemDefinition } from '../kernel/index.ts';
import type { KeyValue, Limiter } from '../keyvalue/index.ts';
import type { IncomingMessage, QueueDeclaration, RunningJob, Schedule } from '../messaging/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { RoleTable } from './roles.ts';
import type { SecretSource } from './secrets.ts';

/** What the host gives a service to stand on. */
export interface ServiceParts<Config> {
  readonly config: Config;
  /** Its readers read a replica where one is configured. */
  readonly database: RoutedDatabase;
  readonly keyValue: KeyValue;
  readonly limiter: Limiter;
  /** The audit as something that can be proved. */
  readonly ledger: AuditLedger;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
  readonly isProduction: boolean;
  readonly dataDirectory: string;
  /** Where the database is, without user or password. */
  readonly databaseAddress: { readonly host: string; readonly port: number; readonly database: string };
}

/** A service that is open: its state, and how it decides who may. */
export interface OpenedService<App> {
  readonly app: App;
  readonly authenticate: Mount<App>['authenticate'];
  readonly onRefused?: Mount<App>['onRefused'];
  /** Parts beyond the database, which the host checks itself. */
  readonly readyChecks?: readonly ReadyCheck[];
  /** Runs every hour on one process or more: forgetting what has expired. */
  housekeep?(): Promise<void>;
  close(): Promise<void>;
}

export interface ServiceMigrations {
  readonly folder: URL;
  /** Which of the platform's migrations this service's database needs, by name. */
  readonly platform: readonly string[];
  /** The version table that a README promised. */
  readonly versionTable?: { readonly name: 'alembic_version'; readonly column: 'version_num' };
  /** Tables that the application's role may only read and append to. */
  readonly appendOnly: readonly string[];
  /** Tables of another system: no migration may name them, and a change of their shape stops the start. */
  readonly protectedTables?: readonly string[];
  /** Makes those tables where they are not there yet: in an embedded database, where the other system is not. */
  readonly standIn?: (runner: MigrationRunner) => Promise<void>;
}

/** What a seed did, for the page that `npm start` prints. */
export interface SeedReport {
  readonly summary: string;
  /** Who can sign in: name and role; the password is the data folder's demo password. */
  readonly accounts: readonly { readonly name: string; readonly role: string }[];
}

/** What `quinta audit export` was asked for; `from` counts and `to` does not. */
export interface AuditExport {
  readonly format: 'jsonl' | 'csv';
  readonly from: Date | undefined;
  readonly to: Date | undefined;
  readonly action: string | undefined;
  readonly resourceType: string | undefined;
}

/** A part of an export: whole lines, and how many rows they are. */
export interface AuditChunk {
  readonly rows: number;
  readonly text: string;
}

/** A queue that a service consumes, and what it does with its messages. */
export interface ServiceSubscription<App> extends QueueDeclaration {
  /** How many messages are taken at once, and handled together; default 1. */
  readonly prefetch?: number;
  /** After so many failures that are not `Transient` a message goes to the dead letters; default 5. */
  readonly attemptsMax?: number;
  handle(app: App, messages: readonly IncomingMessage[], signal: AbortSignal): Promise<void>;
}

/** A kind of job, and what is done for it. */
export interface ServiceJob<App> {
  readonly kind: string;
  run(app: App, job: RunningJob): Promise<void>;
}

/**
 * What a service says to others and hears from them, and what it does later. It needs the platform's migrations
 * p006_outbox and p007_message_queues, and for jobs and schedules p008_jobs.
 */
export interface ServiceMessaging<Config, App> {
  /** The durable topic exchange that its events go to. */
  readonly exchange: string;
  readonly subscriptions: readonly ServiceSubscription<App>[];
  readonly jobs?: readonly ServiceJob<App>[];
  readonly schedules?: readonly Schedule[];
  /** `amqp://…`, or undefined: the queues are kept in the service's database. */
  brokerUrlOf(config: Config): string | undefined;
}

/** The table of contents of a service: everything that it is, in one screen. */
export interface Service<Schema extends Settings, App> {
  readonly face: ServiceFace;
  readonly defaultPort: number;
  readonly settings: Schema;
  readonly roles: RoleTable;
  readonly problems: readonly ProblemDefinition[];
  readonly migrations: ServiceMigrations;
  readonly rootRoutes: readonly Route<App>[];
  readonly apiRoutes: readonly Route<App>[];
  readonly apiPrefixes: readonly string[];
  readonly socketRoutes?: readonly SocketRoute<App>[];
  readonly messaging?: ServiceMessaging<ConfigOf<Schema>, App>;
  readonly legacyMembers?: LegacyMembers;
  /** The configured database, or undefined for the embedded one. */
  databaseUrlOf(config: ConfigOf<Schema>, isProduction: boolean): string | undefined;
  /** A streaming replica of it for `database.reader`; without one the primary answers. See `replicaSettings`. */
  replicaUrlOf?(config: ConfigOf<Schema>): string | undefined;
  /** Throws a ConfigError for settings that each can be read and must not start, before anything is touched. */
  checkConfig?(config: ConfigOf<Schema>, where: SecretSource): void;
  open(parts: ServiceParts<ConfigOf<Schema>>): Promise<OpenedService<App>>;
  /** Audit rows as text, newest first, read while they are written; itself audited. */
  exportAudit(app: App, wanted: AuditExport): AsyncIterable<AuditChunk>;
  /** An audit row of something that the operator does by a command, not by a request. */
  recordDeed(app: App, operation: string, entry: AuditEntry): Promise<void>;
  /** What the audit calls a person as a resource: `usuario`. */
  readonly personResource: string;
  /** Loads demo data; a second time changes nothing. */
  seed(app: App, demoPassword: string): Promise<SeedReport>;
  /** An access token for a user by name or for a demo user of a role. Development only. */
  issueToken(app: App, wanted: { readonly user?: string; readonly role?: string }): Promise<string>;
}

/** A service whose types nobody outside it needs. */
export type AnyService = Service<Settings, unknown>;

export function defineService<Schema extends Settings, App>(service: Service<Schema, App>): Service<Schema, App> {
  return service;
}
