import { type Db, queryBuilder, readStatement, writeStatement } from '@quinta/platform/database';
import type { MexaTables, ValeRow } from '../tables.ts';

/**
 * The circumstances that an audit row tells of, one array each: a statement takes a set of commands, which may come
 * from as many requests.
 */
export type CircumstanceArrays = readonly [
  actorIds: number[],
  requestIds: string[],
  endpoints: string[],
  methods: string[],
  addresses: string[],
  userAgents: string[],
];

const circumstances = 'actor_id, audit_request_id, endpoint, method, ip_address, user_agent';
const circumstanceTypes = '$1::int[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]';
const auditColumns = `request_id, user_id, endpoint, method, ip_address, user_agent,
  action, resource_type, resource_id, old_values, new_values`;
const auditCircumstances = 'audit_request_id, actor_id, endpoint, method, ip_address, user_agent';

const valeColumns = [
  'id',
  'user_id',
  'request_id',
  'amount',
  'description',
  'drawn_description',
  'was_redescribed',
  'state',
  'issued_by',
  'created_at',
  'redeemed_at',
  'redeemed_by',
  'redeem_key',
  'voided_at',
  'voided_by',
  'void_reason',
  'void_key',
] as const satisfies readonly (keyof ValeRow)[];

/** A timestamp as the API shows it. */
const utcText = (column: string): string => `to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Two sets that meet on some vouchers lock them in the same order, so that neither waits for the other in a circle. */
const lockedInOrder = `
    select v.id
      from vales v
     where v.id in (select id from command) and v.state = 'issued'
     order by v.id
       for update`;

const valeColumnsOf = (alias: string): string => valeColumns.map((column) => `${alias}.${column}`).join(', ');

/**
 * Draws a set of vouchers, each with its audit row; returns those that were drawn. A taken request id or an unknown or
 * disabled user draws none and raises nothing: no client's input can fail the set.
 */
export const insertVales = writeStatement<
  [...CircumstanceArrays, requestIds: string[], userIds: number[], amounts: string[], descriptions: (string | null)[]],
  ValeRow
>(
  'vale.issue',
  `with command as (
    select distinct on (c.key) c.*
      from unnest(${circumstanceTypes}, $7::uuid[], $8::int[], $9::numeric[], $10::text[])
        with ordinality as c (${circumstances}, key, drawer_id, amount, description, place)
      join usuarios u on u.id = c.drawer_id and u.disabled_at is null
     order by c.key, c.place
  ), drawn as (
    insert into vales (user_id, request_id, amount, description, issued_by, created_at)
    select c.drawer_id, c.key, c.amount, c.description, c.actor_id, localtimestamp
      from command c
     order by c.place
    on conflict (request_id) do nothing
    returning ${valeColumns.join(', ')}
  ), audited as (
    insert into audit_logs (${auditColumns})
    select ${auditCircumstances}, 'create', 'vale', v.id, null, json_build_object(
        'id', v.id, 'user_id', v.user_id, 'request_id', v.request_id, 'amount', v.amount::text,
        'description', v.description, 'state', v.state)
      from drawn v join command c on c.key = v.request_id
     order by v.id
  )
  select * from drawn`,
);

/** Redeems a set of vouchers, each with its audit row; returns those that were redeemed. */
export const redeemVales = writeStatement<[...CircumstanceArrays, ids: number[], keys: string[]], ValeRow>(
  'vale.redeem',
  `with command as (
    select distinct on (id) *
      from unnest(${circumstanceTypes}, $7::int[], $8::uuid[])
        with ordinality as c (${circumstances}, id, key, place)
     order by id, place
  ), locked as (${lockedInOrder}), moved as (
    update vales v
       set state = 'redeemed', redeemed_at = localtimestamp, redeemed_by = c.actor_id, redeem_key = c.key
      from command c join locked using (id)
     where v.id = c.id and v.state = 'issued'
    returning ${valeColumnsOf('v')}
  ), audited as (
    insert into audit_logs (${auditColumns})
    select ${auditCircumstances}, 'redeem', 'vale', v.id, json_build_object('state', 'issued'),
        json_build_object('state', v.state, 'redeemed_at', ${utcText('v.redeemed_at')}, 'redeemed_by', v.redeemed_by)
      from moved v join command c on c.id = v.id
     order by v.id
  )
  select * from moved`,
);

/** Voids a set of vouchers, each with its audit row; returns those that were voided. */
export const voidVales = writeStatement<
  [...CircumstanceArrays, ids: number[], keys: string[], reasons: string[]],
  ValeRow
>(
  'vale.void',
  `with command as (
    select distinct on (id) *
      from unnest(${circumstanceTypes}, $7::int[], $8::uuid[], $9::text[])
        with ordinality as c (${circumstances}, id, key, reason, place)
     order by id, place
  ), locked as (${lockedInOrder}), moved as (
    update vales v
       set state = 'void', voided_at = localtimestamp, voided_by = c.actor_id, void_reason = c.reason, void_key = c.key
      from command c join locked using (id)
     where v.id = c.id and v.state = 'issued'
    returning ${valeColumnsOf('v')}
  ), audited as (
    insert into audit_logs (${auditColumns})
    select ${auditCircumstances}, 'void', 'vale', v.id, json_build_object('state', 'issued'),
        json_build_object(
          'state', v.state, 'voided_at', ${utcText('v.voided_at')}, 'voided_by', v.voided_by, 'void_reason', v.void_reason)
      from moved v join command c on c.id = v.id
     order by v.id
  )
  select * from moved`,
);

/** Changes a description with its audit row; returns the voucher, changed or the same, or nothing where it is none. */
export const describeVale = writeStatement<[...CircumstanceArrays, id: number, description: string | null], ValeRow>(
  'vale.describe',
  `with command as (
    select * from unnest(${circumstanceTypes}) as c (${circumstances})
  ), before as (
    select id, description from vales where id = $7 for update
  ), changed as (
    update vales v
       set description = $8::varchar,
           drawn_description = case when v.was_redescribed then v.drawn_description else b.description end,
           was_redescribed = v.was_redescribed or b.description is distinct from $8::varchar
      from before b
     where v.id = b.id
    returning ${valeColumnsOf('v')}
  ), audited as (
    insert into audit_logs (${auditColumns})
    select ${auditCircumstances}, 'update', 'vale', b.id, json_build_object('description', b.description),
        json_build_object('description', $8::varchar)
      from before b, command c
     where b.description is distinct from $8::varchar
  )
  select * from changed`,
);

const findById = readStatement<[id: number], ValeRow>(
  'vale.find',
  `select ${valeColumns.join(', ')} from vales where id = $1`,
);

export async function findVale(db: Db, id: number): Promise<ValeRow | undefined> {
  const { rows } = await db.run(findById, [id]);
  return rows[0];
}

const findByIds = readStatement<[ids: number[]], ValeRow>(
  'vale.find_many',
  `select ${valeColumns.join(', ')} from vales where id = any($1::int[])`,
);

export async function findVales(db: Db, ids: number[]): Promise<readonly ValeRow[]> {
  return (await db.run(findByIds, [ids])).rows;
}

const findByRequestIds = readStatement<[requestIds: string[]], ValeRow>(
  'vale.find_by_request',
  `select ${valeColumns.join(', ')} from vales where request_id = any($1::uuid[])`,
);

export async function findValesByRequest(db: Db, requestIds: string[]): Promise<readonly ValeRow[]> {
  const { rows } = await db.run(findByRequestIds, [requestIds]);
  return rows;
}

/** What a list of vouchers is narrowed by; amounts are decimal strings, `from` counts and `to` does not. */
export interface ValeFilter {
  readonly userId?: number | undefined;
  readonly state?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly amountMin?: string | undefined;
  readonly amountMax?: string | undefined;
  /** Any part of the description, without regard to case. */
  readonly text?: string | undefined;
}

/** Vouchers newest first, below `beforeId` where it is given. */
export function listVales(
  db: Db,
  filter: ValeFilter,
  page: { readonly beforeId?: number | undefined; readonly limit: number },
): Promise<ValeRow[]> {
  let query = queryBuilder<MexaTables>(db).selectFrom('vales').select(valeColumns);
  if (filter.userId !== undefined) query = query.where('user_id', '=', filter.userId);
  if (filter.state !== undefined) query = query.where('state', '=', filter.state as ValeRow['state']);
  if (filter.from) query = query.where('created_at', '>=', filter.from);
  if (filter.to) query = query.where('created_at', '<', filter.to);
  if (filter.amountMin !== undefined) query = query.where('amount', '>=', filter.amountMin);
  if (filter.amountMax !== undefined) query = query.where('amount', '<=', filter.amountMax);
  if (filter.text !== undefined) query = query.where('description', 'ilike', `%${escapeLike(filter.text)}%`);
  if (page.beforeId !== undefined) query = query.where('id', '<', page.beforeId);
  return query.orderBy('id', 'desc').limit(page.limit).execute();
}

function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, String.raw`\$&`);
}
