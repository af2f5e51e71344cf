export {
  type AnyService,
  type AuditChunk,
  type AuditExport,
  defineService,
  type OpenedService,
  type SeedReport,
  type Service,
  type ServiceJob,
  type ServiceMessaging,
  type ServiceMigrations,
  type ServiceParts,
  type ServiceSubscription,
} from './define.ts';
export { defineRoles, type RoleTable } from './roles.ts';
export { hashingFaults, passwordHasherOf, secretFaults, shownHasher } from './check-identity.ts';
export { developmentSecret, resolveSecret } from './secrets.ts';
export {
  auditSettings,
  databasePartSettings,
  databaseSettings,
  hostSettings,
  identitySettings,
  redisUrlOf,
  replicaSettings,
} from './settings.ts';
export { migratorOf, type Placement, platformMigrations, placeServices, type PlacedService } from './place.ts';
export { openService, openSharedParts, type RunningService, type SharedParts } from './open.ts';
export { work, type Working, type WorkOptions } from './work.ts';
export { setObserver } from './set-metrics.ts';
export { PortTaken, serve, type ServeOptions, type Serving } from './serve.ts';
