import { type Tx, writeStatement } from '@quinta/platform/database';

/** What somebody with all rights might do to the audit behind its back, and which row must be named for it. */
export interface Edit {
  readonly kind: EditKind;
  /** Any two numbers: which row, which byte. */
  readonly pick: number;
  readonly other: number;
}

/** What was sealed, in the order of the tree. */
export interface Trail {
  readonly ids: readonly number[];
  /** Ids below the newest one that no row ever had. */
  readonly freeIds: readonly number[];
}

/** The row that must be named; undefined where it is the proof that was damaged, and the rows are as they were. */
export type NamedRow = number | undefined;

const newCells: Readonly<Record<string, string>> = {
  request_id: 'gen_random_uuid()',
  user_id: 'case when user_id is null then 1 end',
  action: "action || 'x'",
  resource_type: "upper(resource_type) || 'x'",
  resource_id: 'coalesce(resource_id, 0) + 1',
  old_values: `case when old_values is null then '{}' else (old_values::text || ' ')::json end`,
  new_values: `case when new_values is null then 'null' else (new_values::text || ' ')::json end`,
  details: `case when details is null then '{}'::jsonb end`,
  endpoint: "coalesce(endpoint, '') || '/'",
  method: "case method when 'PUT' then 'GET' else 'PUT' end",
  ip_address: "coalesce(ip_address, '') || '1'",
  user_agent: "coalesce(user_agent, '') || ' '",
  created_at: "created_at + interval '1 microsecond'",
};
const cells = Object.keys(newCells);

const edits = {
  cell: async (tx: Tx, trail: Trail, { pick, other }: Edit): Promise<NamedRow> => {
    const id = chosen(trail.ids, pick);
    const column = chosen(cells, other);
    await run(tx, `update audit_logs set ${column} = ${newCells[column]} where id = ${id}`);
    return id;
  },
  key: async (tx: Tx, trail: Trail, { pick, other }: Edit): Promise<NamedRow> => {
    const id = chosen(trail.ids, pick);
    const elsewhere = other % 2 === 0 ? chosen(trail.freeIds, other) : (trail.ids.at(-1) ?? 0) + 1 + (other % 1_000);
    await run(tx, `update audit_logs set id = ${elsewhere} where id = ${id}`);
    return id;
  },
  deleted: async (tx: Tx, trail: Trail, { pick, other }: Edit): Promise<NamedRow> => {
    const first = pick % trail.ids.length;
    const gone = trail.ids.slice(first, first + 1 + (other % 5));
    await run(tx, `delete from audit_logs where id in (${gone.join(', ')})`);
    return gone[0];
  },
  added: async (tx: Tx, trail: Trail, { pick, other }: Edit): Promise<NamedRow> => {
    const id = other % 3 === 0 ? -1 - (other % 1000) : chosen(trail.freeIds, other);
    await run(
      tx,
      `insert into audit_logs (id, request_id, user_id, action, resource_type, resource_id, new_values, created_at)
       select ${id}, request_id, user_id, action, resource_type, resource_id, new_values, created_at
         from audit_logs where id = ${chosen(trail.ids, pick)}`,
    );
    return id;
  },
  swapped: async (tx: Tx, trail: Trail, { pick, other }: Edit): Promise<NamedRow> => {
    const place = pick % (trail.ids.length - 1);
    const later = place + 1 + (other % (trail.ids.length - place - 1));
    const [one, two] = [trail.ids[place] ?? 0, trail.ids[later] ?? 0];
    for (const [from, to] of [
      [one, -1],
      [two, one],
      [-1, two],
    ]) {
      await run(tx, `update audit_logs set id = ${to} where id = ${from}`);
    }
    return one;
  },
  tail: async (tx: Tx, trail: Trail, { pick }: Edit): Promise<NamedRow> => {
    const keep = trail.ids.length - 1 - (pick % 40);
    await run(tx, `delete from audit_logs where id in (${trail.ids.slice(keep).join(', ')})`);
    return trail.ids[keep];
  },
  salt: async (tx: Tx, trail: Trail, { pick, other }: Edit): Promise<NamedRow> => {
    const leaf = pick % trail.ids.length;
    await flipByte(tx, 'salts', Math.floor(leaf / 256), (leaf % 256) * 32 + (other % 32));
    return trail.ids[leaf];
  },
  hash: async (tx: Tx, trail: Trail, { pick, other }: Edit): Promise<NamedRow> => {
    const leaf = pick % trail.ids.length;
    await flipByte(tx, 'hashes', Math.floor(leaf / 256), (leaf % 256) * 32 + (other % 32));
    return undefined;
  },
  run: async (tx: Tx, _: Trail, { pick }: Edit): Promise<NamedRow | 'any'> => {
    const column = chosen(['first_leaf', 'row_count'], pick);
    await run(
      tx,
      `update audit_runs set ${column} = ${column} + 1 where first_leaf = (select max(first_leaf) from audit_runs)`,
    );
    return 'any';
  },
  checkpoint: async (tx: Tx, _: Trail, { pick, other }: Edit): Promise<NamedRow> => {
    const which = `size = (select size from audit_checkpoints order by size offset ${pick % 8} limit 1)`;
    const statements = [
      `delete from audit_checkpoints where ${which}`,
      `update audit_checkpoints
          set note = overlay(note placing case substr(note, 60, 1) when '0' then '1' else '0' end from 60) where ${which}`,
      `update audit_checkpoints set note = replace(note, 'time 2', 'time 3') where ${which}`,
      `update audit_checkpoints set size = size + 1 where ${which}`,
      `update audit_checkpoints set note = '' where ${which}`,
    ];
    await run(tx, chosen(statements, other));
    return undefined;
  },
  listedKey: async (tx: Tx, _: Trail, { pick }: Edit): Promise<NamedRow> => {
    const statements = [
      'delete from audit_keys',
      "update audit_keys set verifier_key = replace(verifier_key, '+A', '+B')",
      `insert into audit_keys select 2, 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'`,
    ];
    await run(tx, chosen(statements, pick));
    return undefined;
  },
  tree: async (tx: Tx, _: Trail, { pick }: Edit): Promise<NamedRow> => {
    const changes = [
      'size = size + 1',
      'size = size - 1',
      'high_id = high_id - 1',
      'log_id = gen_random_uuid()',
      "gaps = '?'",
    ];
    await run(tx, `update audit_tree set ${chosen(changes, pick)}`);
    return undefined;
  },
} as const;

export type EditKind = keyof typeof edits;

export const editKinds = Object.keys(edits) as EditKind[];

/** Does it, triggers or not; resolves to the row that must be named, or `any` where more than one answer is right. */
export async function apply(tx: Tx, trail: Trail, edit: Edit): Promise<NamedRow | 'any'> {
  await run(tx, 'alter table audit_logs disable trigger user');
  return edits[edit.kind](tx, trail, edit);
}

export async function run(tx: Tx, text: string): Promise<void> {
  const { affected } = await tx.run(writeStatement<[], never>('test', text), []);
  if (/^(?:update|delete|insert)/.test(text.trim()) && affected === 0) {
    throw new Error(`This edits nothing: ${text}`);
  }
}

function flipByte(tx: Tx, column: 'hashes' | 'salts', tile: number, byte: number): Promise<void> {
  return run(
    tx,
    `update audit_tiles set ${column} = set_byte(${column}, ${byte}, get_byte(${column}, ${byte}) # 1)
      where tile_level = 0 and tile_number = ${tile}`,
  );
}

function chosen<Item>(items: readonly Item[], pick: number): Item {
  const item = items[pick % items.length];
  if (item === undefined) throw new Error('There is nothing to choose from');
  return item;
}
