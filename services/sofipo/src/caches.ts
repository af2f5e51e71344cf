import { type Cache, type CacheStatus, createCache, type KeyValue } from '@quinta/platform/keyvalue';
import type { Clock, Log } from '@quinta/platform/kernel';
import type { Client } from './client/client.ts';
import type { Statement } from './statement/statement.ts';

/** What is read often: under the keys and for the times that were promised. */
export interface SofipoCaches {
  /** By RFC: `client_rfc::<rfc>`. */
  readonly clients: Cache<Client>;
  /** By client: `account_statement::<client_id>`. */
  readonly statements: Cache<Statement>;
  close(): void;
}

const clientMs = 600_000;
const statementMs = 300_000;

export function openCaches(parts: {
  readonly keyValue: KeyValue;
  readonly clock: Clock;
  readonly log: Log;
}): SofipoCaches {
  const { keyValue, ...rest } = parts;
  const clients = createCache<Client>(keyValue, { ...rest, name: 'client_rfc:', freshMs: clientMs });
  const statements = createCache<Statement>(keyValue, { ...rest, name: 'account_statement:', freshMs: statementMs });
  return {
    clients,
    statements,
    close: () => {
      clients.close();
      statements.close();
    },
  };
}

/** Drops what is kept under names that were written; see `ReadYourWrites`. */
export async function forget({ clients, statements }: SofipoCaches, names: readonly string[]): Promise<void> {
  const of = (kind: string): string[] => names.filter((name) => name.startsWith(kind));
  await Promise.all([clients.invalidateTags(of('rfc:')), statements.invalidateTags(of('client:'))]);
}

/** `X-Cache` as the README promises it: whether the answer was kept. */
export function cacheHeader(status: CacheStatus): Readonly<Record<string, string>> {
  return { 'x-cache': status === 'hit' || status === 'stale' ? 'HIT' : 'MISS' };
}
