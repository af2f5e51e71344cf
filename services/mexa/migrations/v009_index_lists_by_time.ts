import type { Migration, MigrationRunner } from '@quinta/platform/database';

/**
 * Lists are read newest first, by time and key, so each index that leads through one goes on with both. Their entries are
 * all different: PostgreSQL need not look for equal ones (`deduplicate_items`), which is a third of what they cost.
 */
const newestFirst = 'created_at, id';

/** The promised indexes, under their names, with more columns behind the promised one. */
const extended: readonly (readonly [table: string, promised: string, columns: string])[] = [
  ['vales', 'user_id', `user_id, ${newestFirst}`],
  ['audit_logs', 'user_id', `user_id, ${newestFirst}`],
  ['audit_logs', 'action', `action, ${newestFirst}`],
  ['audit_logs', 'resource_type', `resource_type, ${newestFirst}`],
  // A user and a voucher may have the same key: the kind is compared in the index, without reading the row.
  ['audit_logs', 'resource_id', `resource_id, ${newestFirst}, resource_type`],
  ['audit_logs', 'created_at', newestFirst],
];

/** Of the other filters these are asked for often, or have few rows and so cost nothing. */
const added: readonly (readonly [table: string, name: string, on: string])[] = [
  ['vales', 'created_at', `(${newestFirst}) with (deduplicate_items = off)`],
  ['vales', 'voided', `((voided_at is not null), ${newestFirst}) where voided_at is not null`],
  ['vales', 'legacy_amount', `(has_legacy_amount, ${newestFirst}) where has_legacy_amount is true`],
  ['audit_logs', 'ip_address', `(ip_address, ${newestFirst}) with (deduplicate_items = off)`],
];

export const migration: Migration = {
  why: 'No list, history or search reads much, however many rows there are; and a redeem finds room on its own page.',

  async up({ run }) {
    // No index knows the state. So a voucher that is redeemed is written to its page alone, where that has room left.
    await run('alter table vales set (fillfactor = 80)');
    for (const [table, name, on] of added) await run(`create index ix_${table}_${name} on ${table} ${on}`);
    for (const [table, promised, columns] of extended) {
      await replaceIndex(run, { table, promised, on: `(${columns}) with (deduplicate_items = off)` });
    }
  },

  async down({ run }) {
    for (const [table, promised] of extended) await replaceIndex(run, { table, promised, on: `(${promised})` });
    for (const [table, name] of added) await run(`drop index ix_${table}_${name}`);
    await run('alter table vales reset (fillfactor)');
  },
};

/** The old index serves readers until the new one stands. A database that was adopted may not have it. */
async function replaceIndex(
  run: MigrationRunner['run'],
  { table, promised, on }: { readonly table: string; readonly promised: string; readonly on: string },
): Promise<void> {
  const name = `ix_${table}_${promised}`;
  await run(`create index ${name}_next on ${table} ${on}`);
  await run(`drop index if exists ${name}`);
  await run(`alter index ${name}_next rename to ${name}`);
}
