import { sql } from './sql.ts';
import type { MexaWorld } from './mexa-world.ts';

export const [one, other] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];

/** Rows of a week in 2001, oldest first: nothing else is of that time, so every number can be counted by hand. */
const past: readonly (readonly [
  request: string,
  user: 'admin' | 'cajero' | null,
  action: string,
  type: string,
  id: number | null,
  method: string,
  endpoint: string,
  address: string | null,
  agent: string,
  at: string,
])[] = [
  [one, 'admin', 'create', 'vale', 501, 'POST', '/api/vales', '10.0.0.1', 'caja-1', '2001-02-01 08:15:00'],
  [one, 'admin', 'create', 'vale', 502, 'POST', '/api/vales', '10.0.0.1', 'caja-1', '2001-02-01 08:15:00'],
  [
    other,
    'cajero',
    'redeem',
    'vale',
    501,
    'POST',
    '/api/vales/501/redeem',
    '10.0.0.2',
    'caja-2',
    '2001-02-01 09:00:00',
  ],
  [other, null, 'login_failed', 'usuario', null, 'POST', '/api/auth/login', '10.0.0.9', 'curl', '2001-02-02 10:00:00'],
  [
    other,
    null,
    'login_failed',
    'usuario',
    null,
    'POST',
    '/api/auth/login',
    '10.0.0.9',
    'curl',
    '2001-02-02 10:59:59.999',
  ],
  [other, null, 'login_failed', 'usuario', null, 'POST', '/api/auth/login', '10.0.0.8', 'curl', '2001-02-02 11:00:00'],
  [other, 'cajero', 'update', 'vale', 502, 'PATCH', '/api/vales/502', null, 'caja-2', '2001-02-03 00:00:00'],
  [other, 'admin', 'delete', 'usuario', 77, 'DELETE', '/api/usuarios/77', '10.0.0.1', 'caja-1', '2001-02-07 23:59:59'],
];
export const week = 'from=2001-02-01&to=2001-02-08';

/** What a search by each filter finds, by the places of the rows, newest first; CAJERO stands for the key of that user. */
export const pastFilters: readonly (readonly [query: string, places: number[]])[] = [
  ['', [7, 6, 5, 4, 3, 2, 1, 0]],
  [`request_id=${one}`, [1, 0]],
  [`request_id=${one.toUpperCase()}`, [1, 0]],
  ['user_id=CAJERO', [6, 2]],
  ['action=login_failed', [5, 4, 3]],
  ['resource_type=usuario', [7, 5, 4, 3]],
  ['resource_id=502', [6, 1]],
  ['resource_type=vale&resource_id=501', [2, 0]],
  ['endpoint=/api/vales', [1, 0]],
  ['method=PATCH', [6]],
  ['ip_address=10.0.0.9', [4, 3]],
  ['user_agent=caja-2', [6, 2]],
  ['action=create&user_id=CAJERO', []],
];

export interface PastAudit {
  /** The keys of the rows, in their order. */
  readonly ids: readonly number[];
  readonly users: Readonly<Record<'admin' | 'cajero', number>>;
}

/** Writes the rows by hand, as the role that owns the table. */
export async function writePastAudit({ owner }: MexaWorld): Promise<PastAudit> {
  const idOf = async (username: string): Promise<number> => {
    const [row] = await sql<{ id: number }>(owner, 'select id from usuarios where username = $1', [username]);
    return row?.id ?? 0;
  };
  const users = { admin: await idOf('admin.demo'), cajero: await idOf('cajero.demo') };
  const ids: number[] = [];
  for (const [request, user, action, type, id, method, endpoint, address, agent, at] of past) {
    const [row] = await sql<{ id: number }>(
      owner,
      `insert into audit_logs (request_id, user_id, action, resource_type, resource_id, old_values, new_values, method, endpoint,
         ip_address, user_agent, created_at)
       values ($1, $2, $3, $4, $5, '{"a": "=1+1"}', '{"a": [1, {"b": null}]}', $6, $7, $8, $9, $10) returning id`,
      [request, user && users[user], action, type, id, method, endpoint, address, agent, at],
    );
    ids.push(row?.id ?? 0);
  }
  return { ids, users };
}

/** Which of the rows an answer has, by their places, in its order. */
export function placesIn({ ids }: PastAudit, rows: readonly { readonly id: number }[]): number[] {
  return rows.map(({ id }) => ids.indexOf(id));
}
