export { examineReplica, type ReplicaFinding } from './examine.ts';
export type { CallerReads, CallerWrites, ReadRoute, ReplicaState, RoutedDatabase } from './contract.ts';
export { type ReplicaOptions, withoutReplica, withReplica } from './with-replica.ts';
