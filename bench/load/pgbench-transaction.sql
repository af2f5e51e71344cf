\set actor random(2, 65)
\set drawer random(101, 999)
\set cents random(10000, 89999)
begin;
insert into vales (user_id, request_id, amount, description, issued_by) values (:drawer, gen_random_uuid(), :cents / 100.0, 'Safety gloves', :actor) returning id as vale_id, request_id as key, amount as amount \gset
insert into audit_logs (request_id, user_id, action, resource_type, resource_id, new_values, endpoint, method, ip_address, user_agent) values (gen_random_uuid(), :actor, 'create', 'vale', :vale_id, json_build_object('id', :vale_id::int, 'user_id', :drawer::int, 'request_id', :key::uuid, 'amount', :amount::text, 'description', 'Safety gloves', 'state', 'issued'), '/api/v1/vales', 'POST', '127.0.0.1', 'bench');
commit;
