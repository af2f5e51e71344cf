import {
  type Condition,
  type Db,
  type Lead,
  likeAnywhere,
  newestFirst,
  type NewestPage,
  type PageOfKeys,
  readStatement,
  writeStatement,
} from '@quinta/platform/database';
import type { ValeRow } from '../tables.ts';

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

/**
 * The parameters of a statement as one table of commands, in columns of these types. Behind a SELECT the server does not
 * see how long the arrays are, so it keeps one plan for sets of every size; otherwise it would plan each small set anew,
 * which takes longer than to run it.
 */
const commandsOf = (...types: readonly string[]): string =>
  `unnest(${types.map((type, place) => `(select $${place + 1}::${type}[])`).join(', ')}) with ordinality`;

const circumstances = 'actor_id, audit_request_id, endpoint, method, ip_address, user_agent';
const circumstanceTypes = ['int', 'uuid', 'text', 'text', 'text', 'text'] as const;
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

const valeColumnList = valeColumns.join(', ');
const valeColumnsOf = (alias: string): string => valeColumns.map((column) => `${alias}.${column}`).join(', ');

/**
 * Draws a set of vouchers, each with its audit row; returns those that were drawn. A taken request id or an unknown or
 * disabled user draws none and raises nothing: no client's input can fail the set. A user is looked up by key for each
 * command, however few users the server believes there to be. Ids follow the order of the commands; rows are written in
 * the order of their keys, so that of two processes with the same keys neither waits for the other in a circle.
 */
export const insertVales = writeStatement<
  [...CircumstanceArrays, requestIds: string[], userIds: number[], amounts: string[], descriptions: (string | null)[]],
  ValeRow
>(
  'vale.issue',
  `with command as (
    select distinct on (c.key) c.*
      from ${commandsOf(...circumstanceTypes, 'uuid', 'int', 'numeric', 'text')}
        as c (${circumstances}, key, drawer_id, amount, description, place)
     where (select u.disabled_at is null from usuarios u where u.id = c.drawer_id)
     order by c.key, c.place
  ), numbered as (
    select c.key, nextval('vales_id_seq') as id from (select key from command order by place) c
  ), drawn as (
    insert into vales (id, user_id, request_id, amount, description, issued_by, created_at)
    select n.id, c.drawer_id, c.key, c.amount, c.description, c.actor_id, localtimestamp
      from command c join numbered n on n.key = c.key
     order by c.key
    on conflict (request_id) do nothing
    returning ${valeColumnList}
  ), audited as (
    insert into audit_logs (${auditColumns})
    select ${auditCircumstances}, 'create', 'vale', v.id, null, format(
        '{"id" : %s, "user_id" : %s, "request_id" : "%s", "amount" : "%s", "description" : %s, "state" : "%s"}',
        v.id, v.user_id, v.request_id, v.amount, coalesce(to_json(v.description)::text, 'null'), v.state)::json
      from drawn v join command c on c.key = v.request_id
     order by v.id
  )
  select * from drawn order by id`,
);

/** What is set of a voucher that is closed, and what its audit row says of that beside the state, from `v`. */
interface Closing {
  readonly action: string;
  readonly state: string;
  readonly set: string;
  readonly newValues: string;
  /** The command's own columns behind its circumstances, with their types. */
  readonly columns: Readonly<Record<string, string>>;
}

/** The end of a voucher's life as the API shows it; all vouchers of a set are closed at the same instant. */
const closedAt = `(select to_char(localtimestamp, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`;

/**
 * Closes a set of vouchers, each with its audit row. Two sets that meet on some vouchers lock them in the same order, so
 * that neither waits for the other in a circle. Each voucher is looked up by its key alone, also where the server knows
 * the table as empty and would rather read all of it: hence LATERAL, and hence the LIMIT, which no set reaches and which
 * makes the server count on a few rows.
 */
const closing = ({ action, state, set, newValues, columns }: Closing): string => `
  with command as (
    select distinct on (id) *
      from ${commandsOf(...circumstanceTypes, ...Object.values(columns))}
        as c (${circumstances}, ${Object.keys(columns).join(', ')}, place)
     order by id, place
  ), locked as (
    select c.*
      from command c
     cross join lateral (select from vales v where v.id = c.id and v.state = 'issued' for update) held
     limit (select 1000000)
  ), moved as (
    update vales v
       set state = '${state}', ${set}
      from locked c
     where v.id = c.id and v.state = 'issued'
    returning ${valeColumnsOf('v')}, ${circumstances
      .split(', ')
      .map((column) => `c.${column}`)
      .join(', ')}
  ), audited as (
    insert into audit_logs (${auditColumns})
    select ${auditCircumstances}, '${action}', 'vale', v.id, '{"state" : "issued"}'::json, ${newValues}::json
      from moved v
  )
  select ${valeColumnList} from moved`;

/** Redeems a set of vouchers, each with its audit row; returns those that were redeemed. */
export const redeemVales = writeStatement<[...CircumstanceArrays, ids: number[], keys: string[]], ValeRow>(
  'vale.redeem',
  closing({
    action: 'redeem',
    state: 'redeemed',
    columns: { id: 'int', key: 'uuid' },
    set: 'redeemed_at = localtimestamp, redeemed_by = c.actor_id, redeem_key = c.key',
    newValues: `format('{"state" : "%s", "redeemed_at" : "%s", "redeemed_by" : %s}',
      v.state, ${closedAt}, v.redeemed_by)`,
  }),
);

/** Voids a set of vouchers, each with its audit row; returns those that were voided. */
export const voidVales = writeStatement<
  [...CircumstanceArrays, ids: number[], keys: string[], reasons: string[]],
  ValeRow
>(
  'vale.void',
  closing({
    action: 'void',
    state: 'void',
    columns: { id: 'int', key: 'uuid', reason: 'text' },
    set: `voided_at = localtimestamp, voided_by = c.actor_id, void_reason = c.reason, void_key = c.key`,
    newValues: `format('{"state" : "%s", "voided_at" : "%s", "voided_by" : %s, "void_reason" : %s}',
      v.state, ${closedAt}, v.voided_by, to_json(v.void_reason))`,
  }),
);

/** Changes a description with its audit row; returns the voucher, changed or the same, or nothing where it is none. */
export const describeVale = writeStatement<[...CircumstanceArrays, id: number, description: string | null], ValeRow>(
  'vale.describe',
  `with command as (
    select * from ${commandsOf(...circumstanceTypes)} as c (${circumstances}, place)
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

const findById = readStatement<[id: number], ValeRow>('vale.find', `select ${valeColumnList} from vales where id = $1`);

export async function findVale(db: Db, id: number): Promise<ValeRow | undefined> {
  const { rows } = await db.run(findById, [id]);
  return rows[0];
}

/** Vouchers by a list of keys, each looked up alone, as the sets look theirs up. */
const found = (column: 'id' | 'request_id', type: string): string => `
  select ${valeColumnsOf('v')}
    from unnest((select $1::${type}[])) as wanted (key)
   cross join lateral (select * from vales where ${column} = wanted.key limit 1) v`;

const findByIds = readStatement<[ids: number[]], ValeRow>('vale.find_many', found('id', 'int'));

export async function findVales(db: Db, ids: number[]): Promise<readonly ValeRow[]> {
  return (await db.run(findByIds, [ids])).rows;
}

const findByRequestIds = readStatement<[requestIds: string[]], ValeRow>(
  'vale.find_by_request',
  found('request_id', 'uuid'),
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

/** A page of vouchers, newest first; it may be short and yet not the last, see `newestFirst`. */
export function listVales(db: Db, filter: ValeFilter, page: PageOfKeys): Promise<NewestPage<ValeRow>> {
  const { leads, filters } = conditionsOf(filter);
  const { from, to } = filter;
  return newestFirst(db, { table: 'vales', columns: valeColumns, leads, filters, from, to }, page);
}

/** No index knows the state: one would make each redeem write to all of them. But few vouchers are void. */
function conditionsOf({ userId, state, amountMin, amountMax, text }: ValeFilter) {
  const leads: Lead[] = [];
  const filters: Condition[] = [];
  if (userId !== undefined) leads.push({ column: 'user_id', value: userId });
  if (state === 'void') leads.push(isVoid);
  else if (state !== undefined) filters.push(['state', '=', state]);
  if (amountMax !== undefined && Number(amountMax) <= 0) leads.push(isLegacy);
  if (amountMin !== undefined) filters.push(['amount', '>=', amountMin]);
  if (amountMax !== undefined) filters.push(['amount', '<=', amountMax]);
  if (text !== undefined) filters.push(['description', 'ilike', likeAnywhere(text)]);
  return { leads, filters };
}

const isVoid: Lead = { column: '(voided_at is not null)', value: true, also: [['voided_at', 'is not null']] };
/** Only what the earlier system wrote is not above 0. */
const isLegacy: Lead = { column: 'has_legacy_amount', value: true, also: [['has_legacy_amount', 'is true']] };
