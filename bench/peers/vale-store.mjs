import pg from 'pg';
import { Refusal, valeOf } from './contract.mjs';
import { settings } from './settings.mjs';

// A timestamp without a zone is UTC in these tables.
pg.types.setTypeParser(pg.types.builtins.TIMESTAMP, (text) => new Date(`${text.replace(' ', 'T')}Z`));

const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: 10 });
pool.on('error', () => undefined);

const columns = `id, user_id, request_id, amount, description, state, created_at, issued_by,
  redeemed_at, redeemed_by, voided_at, voided_by, void_reason`;

/** Named, so that the server plans each of them once a connection. */
const insertVale = {
  name: 'insert_vale',
  text: `insert into vales (user_id, request_id, amount, description, issued_by) values ($1, $2, $3, $4, $5)
    on conflict (request_id) do nothing returning ${columns}`,
};
const insertAudit = {
  name: 'insert_audit',
  text: `insert into audit_logs
    (request_id, user_id, action, resource_type, resource_id, new_values, endpoint, method, ip_address, user_agent)
    values ($1, $2, 'create', 'vale', $3, $4, $5, $6, $7, $8)`,
};
const findVale = { name: 'find_vale', text: `select ${columns} from vales where request_id = $1` };
const begin = { name: 'begin', text: 'begin' };
const commit = { name: 'commit', text: 'commit' };

const foreignKeyViolation = '23503';

/** Draws a voucher with its audit row in one transaction: begin, two inserts, commit. A retry gets the same voucher. */
export async function drawVale(input, request) {
  const draw = {
    userId: input.user_id ?? request.actorId,
    requestId: (input.request_id ?? request.requestId).toLowerCase(),
    amount: input.amount,
    description: input.description ?? null,
  };
  const client = await pool.connect();
  try {
    await client.query(begin);
    const row = await insert(client, draw, request);
    await client.query(commit);
    return row ? { status: 201, vale: valeOf(row) } : await repeated(client, draw);
  } catch (error) {
    await client.query('rollback');
    throw error.code === foreignKeyViolation ? new Refusal(422, `There is no user ${draw.userId}`) : error;
  } finally {
    client.release();
  }
}

async function insert(client, draw, request) {
  const { rows } = await client.query({
    ...insertVale,
    values: [draw.userId, draw.requestId, draw.amount, draw.description, request.actorId],
  });
  const [row] = rows;
  if (!row) return undefined;
  const { id, user_id, request_id, amount, description, state } = row;
  const newValues = JSON.stringify({ id, user_id, request_id, amount, description, state });
  const { requestId, actorId, path, method, address, userAgent } = request;
  await client.query({
    ...insertAudit,
    values: [requestId, actorId, id, newValues, path, method, address, userAgent],
  });
  return row;
}

async function repeated(client, draw) {
  const { rows } = await client.query({ ...findVale, values: [draw.requestId] });
  const [row] = rows;
  const isSame = row?.amount === draw.amount && row.user_id === draw.userId && row.description === draw.description;
  if (!isSame) throw new Refusal(422, `Request ${draw.requestId} has drawn another voucher already`);
  return { status: 200, vale: valeOf(row) };
}
