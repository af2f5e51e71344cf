import { type Db, queryBuilder, readOn } from '@quinta/platform/database';
import { type SubscriptionState, subscriptionStates } from './standing.ts';

/** A subscription as the other system wrote it: this service never does. */
export interface Subscription {
  readonly id: number;
  readonly reference: string | null;
  readonly state: SubscriptionState;
  readonly name: string;
  readonly start: string | null;
  readonly stop: string | null;
  /** In days. */
  readonly duration: number | null;
  readonly isRenewed: boolean;
  /** Decimal text in francs. */
  readonly price: string;
  /** Percent, as decimal text. */
  readonly discount: string;
  readonly instalments: number | null;
}

export interface SubscriptionStore {
  /** A member's subscriptions, newest first: at most 500. */
  list(db: Db, userId: number): Promise<readonly Subscription[]>;
  find(db: Db, userId: number, id: number): Promise<Subscription | undefined>;
  /** What of each of so many members' subscriptions opens a door or not, as a text that changes when that does. */
  versions(db: Db, userIds: readonly number[]): Promise<ReadonlyMap<number, string>>;
  /** How many there are of each state, and how many of the active ones are good on a day. */
  overview(db: Db, today: string): Promise<readonly { state: SubscriptionState; count: number; current: number }[]>;
}

interface SubscriptionRow {
  readonly id: number | string;
  readonly reference: string | null;
  readonly state: string | null;
  readonly name: string | null;
  readonly start: string | null;
  readonly stop: string | null;
  readonly duration: number | null;
  readonly renew: number | boolean | null;
  readonly price: string | null;
  readonly discount: string | null;
  readonly slices: number | null;
}

interface SubscriptionTables {
  readonly abonnement: {
    readonly abo_id: number;
    /** Text where the engine's integers are of 64 bits. */
    readonly user_id: number | string;
    readonly abo_state: string | null;
    readonly abo_name: string | null;
    readonly abo_date_start: unknown;
    readonly abo_date_stop: unknown;
  };
}

const listMax = '500';

const columns = (asText: (column: string) => string): string => `
  abo_id as id, abo_id_actual as reference, abo_state as state, abo_name as name,
  ${asText('abo_date_start')} as start, ${asText('abo_date_stop')} as stop, abo_duration as duration,
  abo_renew as renew, abo_price as price, abo_discount as discount, abo_slices as slices`;

const list = readOn<SubscriptionRow, { userId: number; limit: string }>(
  'subscription.list',
  (on) => `
    select ${columns(on.asText)} from abonnement
     where user_id = :userId
     order by abo_id desc
     limit :limit`,
);

const find = readOn<SubscriptionRow, { userId: number; id: number }>(
  'subscription.find',
  (on) => `select ${columns(on.asText)} from abonnement where abo_id = :id and user_id = :userId`,
);

const overview = readOn<
  { readonly state: string | null; readonly count: number | string; readonly current: number | string },
  { today: string }
>(
  'subscription.overview',
  () => `
    select abo_state as state, count(*) as count,
           sum(case when (abo_date_start is null or abo_date_start <= cast(:today as date))
                     and (abo_date_stop is null or abo_date_stop >= cast(:today as date)) then 1 else 0 end) as current
      from abonnement
     group by abo_state
     order by abo_state`,
);

export const subscriptionStore: SubscriptionStore = {
  list: async (db, userId) => (await list(db, { userId, limit: listMax })).map(subscriptionOf),
  find: async (db, userId, id) => (await find(db, { userId, id })).map(subscriptionOf)[0],
  versions: async (db, userIds) => {
    const versions = new Map<number, string>(userIds.map((id) => [id, '']));
    if (userIds.length === 0) return versions;
    const rows = await queryBuilder<SubscriptionTables>(db)
      .selectFrom('abonnement')
      .select(['user_id', 'abo_id', 'abo_state', 'abo_name', 'abo_date_start', 'abo_date_stop'])
      .where('user_id', 'in', [...userIds])
      .orderBy('abo_id')
      .execute();
    for (const { user_id: owner, ...row } of rows) {
      const id = Number(owner);
      versions.set(id, `${versions.get(id) ?? ''}${JSON.stringify(row)}`);
    }
    return versions;
  },
  overview: async (db, today) =>
    (await overview(db, { today })).map(({ state, count, current }) => ({
      state: stateOf(state),
      count: Number(count),
      current: stateOf(state) === 'active' ? Number(current) : 0,
    })),
};

function subscriptionOf(row: SubscriptionRow): Subscription {
  return {
    id: Number(row.id),
    reference: row.reference,
    state: stateOf(row.state),
    name: row.name ?? '',
    start: row.start?.slice(0, 10) ?? null,
    stop: row.stop?.slice(0, 10) ?? null,
    duration: row.duration,
    isRenewed: Boolean(row.renew),
    price: row.price ?? '0.00',
    discount: row.discount ?? '0.00',
    instalments: row.slices,
  };
}

/** The later version of the table allows null, and a state that this service does not know opens no door either. */
function stateOf(text: string | null): SubscriptionState {
  return subscriptionStates.find((state) => state === text) ?? 'pending';
}
