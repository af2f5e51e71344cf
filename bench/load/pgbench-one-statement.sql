\set actor random(2, 65)
\set drawer random(101, 999)
\set cents random(10000, 89999)
with drawn as (
  insert into vales (user_id, request_id, amount, description, issued_by) values (:drawer, gen_random_uuid(), :cents / 100.0, 'Safety gloves', :actor)
  on conflict (request_id) do nothing
  returning id, user_id, request_id, amount, description, state, created_at, issued_by
), audited as (
  insert into audit_logs (request_id, user_id, action, resource_type, resource_id, new_values, endpoint, method, ip_address, user_agent)
  select gen_random_uuid(), issued_by, 'create', 'vale', id, json_build_object('id', id, 'user_id', user_id, 'request_id', request_id, 'amount', amount::text, 'description', description, 'state', state), '/api/v1/vales', 'POST', '127.0.0.1', 'bench'
    from drawn
)
select * from drawn;
