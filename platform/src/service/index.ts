export {
  type AnyService,
  type AuditChunk,
  type AuditExport,
  defineService,
  type OpenedService,
  type SeedReport,
  type Service,
  type ServiceMigrations,
  type ServiceParts,
} from './define.ts';
export { defineRoles, type RoleTable } from './roles.ts';
export { hashingFaults, passwordHasherOf, secretFaults } from './check-identity.ts';
export { developmentSecret, resolveSecret } from './secrets.ts';
export { auditSettings, databasePartSettings, databaseSettings, hostSettings, identitySettings } from './settings.ts';
export { migratorOf, type Placement, platformMigrations, placeServices, type PlacedService } from './place.ts';
export { openService, openSharedParts, type RunningService, type SharedParts } from './open.ts';
export { setObserver } from './set-metrics.ts';
export { PortTaken, serve, type ServeOptions, type Serving } from './serve.ts';
