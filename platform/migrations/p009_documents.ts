import type { Migration } from '../src/database/index.ts';

const slots = [1, 2, 3, 4];

export const migration: Migration = {
  why: 'A service can keep JSON documents by id where there is no CouchDB.',

  async up({ dialect, run }) {
    const { ascii, instant, longText, uuid } = dialect.types;
    // Which field of a collection is kept in which field_n; 0 is the one that orders it.
    await run(`
      create table document_indexes (
        collection ${ascii(64)} not null,
        slot smallint not null,
        field ${ascii(128)} not null,
        filled_at ${instant} null,
        constraint pk_document_indexes primary key (collection, slot),
        constraint ux_document_indexes_field unique (collection, field),
        constraint ck_document_indexes_slot check (slot between 0 and ${slots.length})
      )`);
    // A field_n is the SHA-256 of a text in base64url: asked for as a whole only, and so of one length and one order.
    await run(`
      create table documents (
        collection ${ascii(64)} not null,
        id ${ascii(128)} not null,
        instant ${ascii(32)} not null,
        ${slots.map((slot) => `field_${slot} ${ascii(43)} null,`).join(' ')}
        body ${longText} not null,
        put_id ${uuid} not null,
        created_at ${instant} not null,
        constraint pk_documents primary key (collection, id)
      )`);
    await run('create index ix_documents_instant on documents (collection, instant, id)');
    for (const slot of slots) {
      await run(`create index ix_documents_field_${slot} on documents (collection, field_${slot}, instant, id)`);
    }
  },

  async down({ run }) {
    await run('drop table documents');
    await run('drop table document_indexes');
  },
};
