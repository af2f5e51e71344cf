/**
 * What the two servers are asked.
 *
 * A commit that was acknowledged is in the flushed log, but where commits do not wait for that (synchronous_commit off):
 * there only the position of insertion lies behind it. The other way round, that position would often be ahead of
 * anything a replica can have, because pruning and hint bits write log that nobody flushes while nothing is committed.
 */
export const primaryQuestion = `
  select (case when current_setting('synchronous_commit') = 'off' then pg_current_wal_insert_lsn()
               else pg_current_wal_flush_lsn() end - '0/0'::pg_lsn)::text as position,
    substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline,
    system_identifier::text as system
  from pg_control_system()`;

export interface PrimaryAnswer {
  readonly position: string;
  readonly timeline: string;
  readonly system: string;
}

export const replicaQuestion = `
  select pg_is_in_recovery() as is_in_recovery,
    (coalesce(pg_last_wal_replay_lsn(), '0/0'::pg_lsn) - '0/0'::pg_lsn)::text as position,
    pg_postmaster_start_time()::text as incarnation,
    upper(lpad(to_hex(checkpoint.timeline_id), 8, '0')) as timeline,
    system.system_identifier::text as system
  from pg_control_system() system, pg_control_checkpoint() checkpoint`;

export interface ReplicaAnswer {
  readonly is_in_recovery: boolean;
  readonly position: string;
  /** Another one after each start of the server. */
  readonly incarnation: string;
  readonly timeline: string;
  readonly system: string;
}

/** Why a server is no replica of that primary, in a sentence's part; undefined where it is one. */
export function foreignness(primary: PrimaryAnswer, replica: ReplicaAnswer): string | undefined {
  if (replica.system !== primary.system) return 'it is not a copy of this primary (another system identifier)';
  if (!replica.is_in_recovery) return 'it is not in recovery: it was promoted, or is the primary itself';
  if (replica.timeline !== primary.timeline) {
    return `it follows timeline ${replica.timeline}, and the primary is on ${primary.timeline}`;
  }
  return undefined;
}
