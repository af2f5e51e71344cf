import type { SofipoConfig } from './settings.ts';

/** `DATABASE_URL`, or the promised parts once a host is named. Otherwise undefined: the embedded database. */
export function databaseUrlOf(config: SofipoConfig): string | undefined {
  const { DATABASE_URL: url, POSTGRES_HOST: host, POSTGRES_PORT: port } = config;
  return url !== undefined || host === undefined ? url : urlOf(config, { host, port });
}

/**
 * `DATABASE_REPLICA_URL`, or a host with the user, password and name of the primary: a replica has the same. The README's
 * POSTGRES_REPLICA_USER is the role that the replica itself streams as.
 */
export function replicaUrlOf(config: SofipoConfig): string | undefined {
  const { DATABASE_REPLICA_URL: url, POSTGRES_REPLICA_HOST: host, POSTGRES_REPLICA_PORT: port } = config;
  return url !== undefined || host === undefined ? url : urlOf(config, { host, port });
}

function urlOf(config: SofipoConfig, { host, port }: { readonly host: string; readonly port: number }): string {
  const user = encodeURIComponent(config.POSTGRES_USER);
  const password = encodeURIComponent(config.POSTGRES_PASSWORD ?? '');
  return `postgresql://${user}:${password}@${host}:${port}/${encodeURIComponent(config.POSTGRES_DB)}`;
}
