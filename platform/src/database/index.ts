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
export {
  brokenConstraint,
  databaseBusy,
  databaseUnavailable,
  isConnectionLost,
  isSchemaMissing,
  outcomeUnknown,
} from './faults.ts';
export { type Migration, type MigrationRunner } from './migration.ts';
export { openDatabase, type OpenOptions } from './open.ts';
export {
  type Condition,
  type Lead,
  type NewestFirst,
  newestFirst,
  type NewestPage,
  type PageOfKeys,
} from './newest-first.ts';
export {
  deleteOld,
  ignoringDuplicates,
  likeAnywhere,
  type OldRows,
  queryBuilder,
  type ReadBuilder,
} from './query-builder.ts';
export {
  type LaterOn,
  type ReadOn,
  readOn,
  type SqlWords,
  writeLaterOn,
  type WriteOn,
  writeOn,
} from './statement-words.ts';
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
export {
  type CallerReads,
  type CallerWrites,
  examineReplica,
  type ReadRoute,
  type ReplicaFinding,
  type ReplicaOptions,
  type ReplicaState,
  type RoutedDatabase,
  withoutReplica,
  withReplica,
} from './replica/index.ts';
