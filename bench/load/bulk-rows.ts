import { queryOne } from '../stage/sql.ts';
import { type BenchDatabase, type Stage, users } from '../stage/stage.ts';

/** How a store of some years looks: most vouchers redeemed, a few void, and clerks who sign in each day. */
const shares = { redeemed: 0.7, void: 0.73, loginEvery: 10, failedLoginEvery: 100 } as const;
const years = 2;
const batchRows = 50_000;

/**
 * Loads vouchers with their audit rows in bulk until there are `target`, spread evenly over two years at the pace of
 * `ofTotal`, in the order of their making. Audit rows come to about 1.8 a voucher.
 */
export async function loadUntil(
  stage: Stage,
  database: BenchDatabase,
  { target, ofTotal }: { readonly target: number; readonly ofTotal: number },
): Promise<void> {
  let { vales } = await countRows(database);
  for (let told = Date.now(); vales < target;) {
    stage.signal.throwIfAborted();
    const rows = Math.min(batchRows, target - vales);
    await queryOne(database.sql, loadBatch, [
      vales + 1,
      vales + rows,
      ofTotal,
      `${years} years`,
      users.firstClerk,
      users.clerks,
      users.firstDrawer,
      users.lastDrawer,
      shares.redeemed,
      shares.void,
      shares.loginEvery,
      shares.failedLoginEvery,
    ]);
    vales += rows;
    if (Date.now() - told > 5_000) {
      stage.say(`  loading: ${vales.toLocaleString('en-US')} of ${target.toLocaleString('en-US')} vouchers`);
      told = Date.now();
    }
  }
}

export interface RowCounts {
  readonly vales: number;
  readonly audits: number;
}

export function countRows(database: BenchDatabase): Promise<RowCounts> {
  return queryOne<RowCounts>(
    database.sql,
    'select (select count(*)::int from vales) as vales, (select count(*)::int from audit_logs) as audits',
  );
}

/** One row comes back, with the number of audit rows. */
const loadBatch = `
  with plan as (
    select n, random() as fate,
           localtimestamp - $4::interval + $4::interval * (n::float8 / $3::float8) as at,
           $5::int + (n % $6::int)::int as clerk,
           $7::int + (power(random(), 2) * ($8::int - $7::int))::int as drawer,
           round((5 + exp(random() * 7))::numeric, 2) as amount,
           '10.0.' || (n % 7) || '.' || (power(random(), 2) * 250)::int as address
      from generate_series($1::int, $2::int) n
  ), drawn as (
    insert into vales (user_id, request_id, amount, description, issued_by, created_at, state,
                       redeemed_at, redeemed_by, redeem_key, voided_at, voided_by, void_reason, void_key)
    select drawer, gen_random_uuid(), amount, 'Safety gloves ' || n, clerk, at,
           case when fate < $9::float8 then 'redeemed' when fate < $10::float8 then 'void' else 'issued' end,
           case when fate < $9::float8 then at + interval '1 day' end,
           case when fate < $9::float8 then clerk end,
           case when fate < $9::float8 then gen_random_uuid() end,
           case when fate between $9::float8 and $10::float8 then at + interval '1 day' end,
           case when fate between $9::float8 and $10::float8 then 1 end,
           case when fate between $9::float8 and $10::float8 then 'Issued twice' end,
           case when fate between $9::float8 and $10::float8 then gen_random_uuid() end
      from plan order by n
    returning id, user_id, request_id, amount, description, issued_by, created_at, state, redeemed_at, redeemed_by,
              voided_at, voided_by
  ), placed as (
    select d.*, row_number() over (order by d.id) as place,
           '10.0.' || (d.id % 7) || '.' || ((d.id % 251) * 7919 % 251) as address
      from drawn d
  ), facts as (
    select place, 0 as step, issued_by as who, 'create' as action, 'vale' as kind, id as what, null::json as old,
           json_build_object('id', id, 'user_id', user_id, 'request_id', request_id, 'amount', amount::text,
                             'description', description, 'state', 'issued') as new,
           '/api/v1/vales' as endpoint, created_at as at, address
      from placed
    union all
    select place, 1, redeemed_by, 'redeem', 'vale', id, '{"state":"issued"}',
           json_build_object('state', state, 'redeemed_at', redeemed_at, 'redeemed_by', redeemed_by),
           '/api/v1/vales/' || id || '/redeem', redeemed_at, address
      from placed where state = 'redeemed'
    union all
    select place, 1, voided_by, 'void', 'vale', id, '{"state":"issued"}', json_build_object('state', state),
           '/api/v1/vales/' || id || '/void', voided_at, address
      from placed where state = 'void'
    union all
    select place, 2, issued_by, case when place % $12::int = 0 then 'login_failed' else 'login_success' end,
           'usuario', issued_by, null, null, '/api/v1/auth/login', created_at, address
      from placed where place % $11::int = 0
  ), audited as (
    insert into audit_logs (request_id, user_id, action, resource_type, resource_id, old_values, new_values,
                            endpoint, method, ip_address, user_agent, created_at)
    select gen_random_uuid(), who, action, kind, what, old, new, endpoint, 'POST', address, 'bench', at
      from facts order by place, step
    returning 1
  )
  select count(*)::int as audits from audited`;
