import { randomUUID } from 'node:crypto';
import type { Migration, MigrationRunner } from '../src/database/index.ts';

export const migration: Migration = {
  why: 'That an audit row was not changed, removed or added later can be proved to somebody who trusts nobody here.',

  async up(runner) {
    await makeTree(runner);
    await makeTiles(runner);
    await makeCheckpoints(runner);
    await makeErasures(runner);
  },

  async down({ run }) {
    for (const table of ['shipments', 'erasures', 'keys', 'checkpoints', 'runs', 'tiles', 'tree']) {
      await run(`drop table audit_${table}`);
    }
  },
};

/** One row: how far the tree has grown. Whoever seals locks it, so that one does at a time. */
async function makeTree({ dialect, run }: MigrationRunner): Promise<void> {
  const { instant, longText, uuid } = dialect.types;
  await run(`
    create table audit_tree (
      id smallint not null,
      log_id ${uuid} not null,
      size bigint not null,
      high_id bigint not null,
      gaps ${longText} not null,
      revision bigint not null,
      sealed_at ${instant} null,
      constraint pk_audit_tree primary key (id),
      constraint ck_audit_tree_one check (id = 1),
      constraint ck_audit_tree_size check (size >= 0)
    )`);
  await run(`
    insert into audit_tree (id, log_id, size, high_id, gaps, revision)
    values (1, '${randomUUID()}', 0, 0, '[]', 0)`);
}

/** Up to 256 hashes of 32 bytes; those of level 0 with the 32 bytes of salt of each leaf. */
async function makeTiles({ dialect, run }: MigrationRunner): Promise<void> {
  const bytes = dialect.types.bytes(8_192);
  await run(`
    create table audit_tiles (
      tile_level smallint not null,
      tile_number bigint not null,
      hashes ${bytes} not null,
      salts ${bytes} null,
      constraint pk_audit_tiles primary key (tile_level, tile_number),
      constraint ck_audit_tiles_salts check ((tile_level = 0) = (salts is not null))
    )`);
  // Hashes and salts are as random as can be: to try and compress them is time lost.
  if (dialect.name === 'postgresql') {
    await run('alter table audit_tiles alter column hashes set storage external');
    await run('alter table audit_tiles alter column salts set storage external');
  }
  // Leaves first_leaf, first_leaf + 1 ... are the rows first_id, first_id + 1 ...
  await run(`
    create table audit_runs (
      first_leaf bigint not null,
      first_id bigint not null,
      row_count bigint not null,
      constraint pk_audit_runs primary key (first_leaf),
      constraint ux_audit_runs_first_id unique (first_id),
      constraint ck_audit_runs_row_count check (row_count > 0)
    )`);
}

/** What was signed, by which keys, and which places outside have it. */
async function makeCheckpoints({ dialect, run }: MigrationRunner): Promise<void> {
  const { ascii, instant, longText } = dialect.types;
  await run(`
    create table audit_checkpoints (
      size bigint not null,
      note ${longText} not null,
      constraint pk_audit_checkpoints primary key (size)
    )`);
  await run(`
    create table audit_keys (
      place integer not null,
      verifier_key ${ascii(255)} not null,
      constraint pk_audit_keys primary key (place),
      constraint ux_audit_keys_verifier_key unique (verifier_key)
    )`);
  await run(`
    create table audit_shipments (
      sink ${ascii(64)} not null,
      size bigint not null,
      claimed_until ${instant} null,
      constraint pk_audit_shipments primary key (sink)
    )`);
}

/** What stays of parts of rows that were erased, and the audit row that ordered it. */
async function makeErasures({ dialect, run }: MigrationRunner): Promise<void> {
  const { ascii } = dialect.types;
  await run(`
    create table audit_erasures (
      audit_id bigint not null,
      part ${ascii(16)} not null,
      commitment ${ascii(43)} not null,
      erasure_id bigint not null,
      constraint pk_audit_erasures primary key (audit_id, part),
      constraint ck_audit_erasures_part check (part in ('origin', 'values'))
    )`);
}
