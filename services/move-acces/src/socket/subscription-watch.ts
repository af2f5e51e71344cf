import { createHash } from 'node:crypto';
import type { Database } from '@quinta/platform/database';
import type { Log } from '@quinta/platform/kernel';
import type { SubscriptionStore } from '../abonnement/subscription-store.ts';
import type { Hub } from './hub.ts';

/**
 * Notices what the other system does to the subscriptions of members who are connected to this process: it tells
 * nobody, so the rows are looked at now and then, and a member whose rows have changed hears of it.
 */
export interface SubscriptionWatch {
  /** One look at all who are connected. */
  look(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

const membersPerStatement = 500;

export function watchSubscriptions(parts: {
  readonly database: Database;
  readonly subscriptions: SubscriptionStore;
  readonly hub: Hub;
  readonly log: Log;
  readonly everyMs: number;
}): SubscriptionWatch {
  const { database, subscriptions, hub, log, everyMs } = parts;
  const known = new Map<number, string>();
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  let isStopped = false;

  const look = async (): Promise<void> => {
    const connected = new Set(hub.members());
    for (const id of known.keys()) if (!connected.has(id)) known.delete(id);
    const ids = [...connected];
    for (let from = 0; from < ids.length; from += membersPerStatement) {
      const versions = await subscriptions.versions(database, ids.slice(from, from + membersPerStatement));
      for (const [id, version] of versions) notice(id, createHash('sha1').update(version).digest('base64'));
    }
  };

  /** The first look at a member finds nothing new. */
  const notice = (id: number, version: string): void => {
    const before = known.get(id);
    known.set(id, version);
    if (before !== undefined && before !== version) hub.tellHere(id, { type: 'abonnement_changed' });
  };

  const turn = (): void => {
    timer = setTimeout(() => {
      running = look()
        .catch((error: unknown) => log.warn({ error }, 'Subscriptions could not be looked at'))
        .finally(() => {
          if (!isStopped) turn();
        });
    }, everyMs).unref();
  };

  return {
    look,
    start: turn,
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
