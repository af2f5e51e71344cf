export type { CheckOutcome } from './check.ts';
export { lockMigrations } from './lock-file.ts';
export { MigrationError } from './migration-error.ts';
export { createMigrationFile } from './migration-file.ts';
export { createMigrator, type Migrator } from './migrator.ts';
export type { MigrateOutcome } from './run.ts';
