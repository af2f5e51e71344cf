export {
  type Database,
  type Db,
  type Isolation,
  readStatement,
  type ReadStatement,
  type Result,
  type TransactOptions,
  type Tx,
  writeStatement,
  type WriteStatement,
} from './contract.ts';
export { type Dialect, type DialectName, mysql, postgresql } from './dialect.ts';
export { brokenConstraint, databaseBusy, databaseUnavailable, isConnectionLost } from './faults.ts';
export { type Migration, type MigrationRunner } from './migration.ts';
export { openDatabase, type OpenOptions } from './open.ts';
export { ignoringDuplicates, queryBuilder, type ReadBuilder } from './query-builder.ts';
export { type DatabaseAddress, parseDatabaseUrl } from './url.ts';
export { type EmbeddedServer, EmbeddedServerError, holdEmbeddedServer } from './embedded/index.ts';
export { grantApplicationRole } from './grants.ts';
export {
  type CheckOutcome,
  createMigrationFile,
  createMigrator,
  lockMigrations,
  type MigrateOutcome,
  MigrationError,
  type Migrator,
} from './migrations/index.ts';
export { type Coalescer, createCoalescer, type SetObservation, tooBusy } from './coalescer.ts';
