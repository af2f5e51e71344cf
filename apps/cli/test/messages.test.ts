import { Command } from 'commander';
import {
  smallMessagingService,
  type SmallApp,
  openServiceWorld,
  ownTopology,
  writeNotes,
} from '@quinta/platform/testing';
import type { ServiceWorld } from '@quinta/platform/testing';
import type { AnyService } from '@quinta/platform/service';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { addMessagesCommands } from '../src/commands/messages.ts';

const eventually = { timeout: 30_000, interval: 20 };

let world: ServiceWorld;
let service: AnyService;
let queue: string;

beforeEach(async () => {
  const topology = ownTopology();
  queue = topology.all;
  service = smallMessagingService(topology);
  world = await openServiceWorld(service);
  vi.stubEnv('SMALL_DATABASE_URL', world.urls.application);
  vi.stubEnv('SMALL_MIGRATION_DATABASE_URL', world.urls.owner);
});
afterEach(() => world.close());

/** Runs a command in this process; resolves to what it printed. */
async function run(...words: readonly string[]): Promise<string> {
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.push(String(text));
    return true;
  });
  try {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    addMessagesCommands(program, () => service);
    await program.parseAsync(['messages', ...words], { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return printed.join('');
}

const parsed = (lines: string): unknown[] =>
  lines
    .split('\n')
    .filter(Boolean)
    .map((line): unknown => JSON.parse(line));

test('dead letters are listed with their reason, replayed by id or all, and the replay is audited', async () => {
  const { database, heard } = world.app as SmallApp;
  await writeNotes(database, 'poison 1', 'poison 2', 'good', 'poison 3');
  await vi.waitFor(() => expect(heard).toEqual(['good']), eventually);
  const listed = await vi.waitFor(async () => {
    const letters = parsed(await run('dead', 'small', '--json')) as { id: string; reason: string; attempts: number }[];
    expect(letters).toHaveLength(3);
    return letters;
  }, eventually);
  expect(listed[0]).toMatchObject({ queue, reason: 'RangeError: this note cannot be read', attempts: 2 });
  expect(parsed(await run('dead', 'small', '--json', '--limit', '2'))).toHaveLength(2);
  const page = await run('dead', 'small', '--queue', queue);
  expect(page).toContain('this note cannot be read');
  expect(JSON.parse(await run('status', 'small', '--json'))).toMatchObject({
    service: 'small',
    broker: 'embedded',
    pending: 0,
    queues: [{ queue, dead: 3 }],
    dead_jobs: 0,
  });
  expect(await run('status', 'small')).toContain(`${queue}: 3 dead letters`);

  // What could not be read can be read now.
  await world.owner.transact((tx) =>
    tx.run(
      {
        kind: 'write',
        operation: 'test.mend',
        text: "update queue_messages set body = replace(body, 'poison', 'fine')",
      },
      [],
    ),
  );
  expect(JSON.parse(await run('replay', 'small', '--id', listed[1]?.id ?? '', '--json'))).toEqual({
    replayed: { [queue]: 1 },
  });
  await vi.waitFor(() => expect(heard).toEqual(['good', 'fine 2']), eventually);
  expect(await run('replay', 'small', '--all')).toContain('2 dead letters are back');
  await vi.waitFor(() => expect(heard).toEqual(['good', 'fine 2', 'fine 1', 'fine 3']), eventually);
  const { rows } = await world.owner.run(
    {
      kind: 'read',
      operation: 'test.audit',
      text: "select details from audit_logs where action = 'replay' order by id",
    },
    [],
  );
  expect(rows).toEqual([{ details: { queue, count: 1, id: listed[1]?.id } }, { details: { queue, count: 2 } }]);
});

test.each([
  { words: ['replay', 'small'], says: '--id <id>, or --all' },
  { words: ['replay', 'small', '--id', 'none'], says: 'There is no dead letter none' },
  { words: ['dead', 'small', '--limit', '0'], says: '--limit is "0"' },
  { words: ['dead', 'small', '--queue', 'other'], says: 'There is no queue "other"' },
])('what cannot be is said: $words', async ({ words, says }) => {
  await expect(run(...words)).rejects.toThrow(says);
});

test('a service without messages says so', async () => {
  const { messaging: _, ...silent } = service;
  service = silent;
  await expect(run('status', 'small')).rejects.toThrow('neither sends nor hears');
});
