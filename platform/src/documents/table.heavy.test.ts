import { afterEach, describe, expect, test } from 'vitest';
import { migration } from '../../migrations/p009_documents.ts';
import { openDatabase } from '../database/index.ts';
import { documentsContract } from '../testing/documents-contract.ts';
import { event, eventIndexes, events } from '../testing/documents-fixture.ts';
import { type RealDatabaseCase, realDatabases } from '../testing/real-databases.ts';
import { openScratch, type Scratch } from '../testing/scratch-database.ts';
import { DocumentsUnavailable } from './contract.ts';
import { tableDocuments } from './table.ts';

async function openTables(real: RealDatabaseCase): Promise<Scratch> {
  const scratch = await openScratch(real);
  await migration.up(scratch.runner);
  return scratch;
}

/** Ends every connection of the pools, as a restart of the server does. */
async function killConnections({ run }: Scratch, dialect: string): Promise<void> {
  if (dialect === 'postgresql') {
    await run(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`,
    );
    return;
  }
  const rows = await run(
    'select id from information_schema.processlist where db = database() and id <> connection_id()',
  );
  for (const { id } of rows) await run(`kill ${String(id)}`).catch(() => undefined); // it may have gone by itself
}

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`table on ${real.name}`, () => {
    documentsContract(async () => {
      const scratch = await openTables(real);
      const [first, second] = [
        tableDocuments({ database: scratch.database }),
        tableDocuments({ database: scratch.open() }),
      ];
      return {
        first,
        second,
        kill: () => killConnections(scratch, real.dialect.name),
        close: async () => {
          await first.close();
          await second.close();
          await scratch.close();
        },
      };
    });
  });

  describe.skipIf(real.unreachable !== undefined)(`tables on ${real.name}`, () => {
    let scratch: Scratch | undefined;
    afterEach(() => scratch?.close());

    test('an id is there once, and a column holds one field', async () => {
      const { run } = (scratch = await openTables(real));
      const row = `('c', 'a', '2026-01-01T00:00:00Z', '{}', '00000000-0000-0000-0000-000000000000', current_timestamp)`;
      const insert = `insert into documents (collection, id, instant, body, put_id, created_at) values ${row}`;
      await run(insert);
      await expect(run(insert)).rejects.toThrow(/duplicate/i);
      const claim = (slot: number, field: string): Promise<unknown> =>
        run(`insert into document_indexes (collection, slot, field) values ('c', ${slot}, '${field}')`);
      await claim(1, 'a');
      await expect(claim(1, 'b')).rejects.toThrow(/duplicate/i);
      await expect(claim(2, 'a')).rejects.toThrow(/duplicate/i);
      await expect(claim(5, 'b')).rejects.toThrow(/ck_document_indexes_slot/);
      await migration.down(scratch.runner);
      await migration.up(scratch.runner);
      expect(await run('select id from documents')).toEqual([]);
    });

    test('a put of a set is one statement', async () => {
      const seen: string[] = [];
      const { database } = (scratch = await openTables(real));
      const watched = scratch.open({ observe: (operation) => seen.push(operation) });
      const store = tableDocuments({ database: watched, beatEveryMs: 60_000 });
      await store.ensureCollection(events, { indexes: eventIndexes });
      seen.length = 0;
      await store.put(
        events,
        Array.from({ length: 1_000 }, (_, number) => event(number)),
      );
      // The store looks after its tables meanwhile.
      expect(seen.filter((operation) => operation.startsWith('documents.put'))).toEqual(['documents.put']);
      expect(await tableCount(database)).toBe(1_000);
      await store.close();
    });

    test('keeps to the column of a field, whatever order it is declared in later', async () => {
      const { database } = (scratch = await openTables(real));
      const [first, second] = [tableDocuments({ database }), tableDocuments({ database })];
      await first.ensureCollection(events, { indexes: { instant: 'timestamp', fields: ['entity_id', 'event_type'] } });
      await first.put(events, [event(0)]);
      await second.ensureCollection(events, { indexes: { instant: 'timestamp', fields: ['event_type', 'entity_id'] } });
      await second.put(events, [event(2)]);
      const { items } = await first.find(events, { where: { event_type: 'loan_created' }, order: 'oldest' });
      expect(items).toEqual([event(0), event(2)]);
      const other = { indexes: { instant: 'created_at' } };
      await expect(second.ensureCollection(events, other)).rejects.toThrow('is ordered by timestamp and stays so');
      const fields = ['a', 'b', 'c'];
      await expect(second.ensureCollection(events, { indexes: { instant: 'timestamp', fields } })).rejects.toThrow(
        RangeError,
      );
      await first.close();
      await second.close();
    });
  });
}

test('a database that is not there is told as the store being unavailable, and again when it is', async () => {
  const database = openDatabase({ url: 'postgresql://nobody@127.0.0.1:1/none', connectTimeoutMs: 1_000 });
  const store = tableDocuments({ database });
  await expect(store.ensureCollection(events, { indexes: eventIndexes })).rejects.toThrow(DocumentsUnavailable);
  const fault = await store.put(events, [event(0)]).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(DocumentsUnavailable);
  expect(fault).toHaveProperty('cause');
  await store.close();
  await database.close();
});

async function tableCount(database: Scratch['database']): Promise<number> {
  const store = tableDocuments({ database });
  await store.ensureCollection(events, { indexes: eventIndexes });
  const total = await store.count(events);
  await store.close();
  return total;
}
