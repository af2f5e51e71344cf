import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../kernel/index.ts';
import { realDatabases } from '../testing/index.ts';
import { onceOnly, pruneInbox, pruneOutbox } from './inbox.ts';
import { createRelay } from './relay.ts';
import { type MessagingWorld, openMessagingWorld, payment } from './test/messaging-world.ts';
import { ScriptedBroker } from './test/scripted-broker.ts';

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`the inbox on ${real.name}`, () => {
    let world: MessagingWorld;
    beforeEach(async () => {
      world = await openMessagingWorld(real);
    });
    afterEach(() => world.close());

    const ask = (consumer: string, id: string): Promise<boolean> =>
      world.database.transact((tx) => onceOnly(tx, consumer, id));

    test('says once that a message is new, for each consumer', async () => {
      expect(await ask('documents', 'a')).toBe(true);
      expect(await ask('documents', 'a')).toBe(false);
      expect(await ask('ledger', 'a')).toBe(true);
      expect(await ask('documents', 'A')).toBe(true);
    });

    test('any id of another sender is kept apart from all others', async () => {
      const ids = ['ñandú', 'mañana', 'x'.repeat(200), `${'x'.repeat(199)}y`, 'two words', ''];
      for (const id of ids) expect(await ask('documents', id)).toBe(true);
      for (const id of ids) expect(await ask('documents', id)).toBe(false);
      await expect(ask('x'.repeat(101), 'a')).rejects.toThrow(RangeError);
    });

    test('of many that ask at once, one is the first', async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask('documents', 'a')));
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    test('forgets with the effect where that is rolled back', async () => {
      const failed = world.database.transact(async (tx) => {
        await onceOnly(tx, 'documents', 'a');
        throw new Error('no');
      });
      await expect(failed).rejects.toThrow('no');
      expect(await ask('documents', 'a')).toBe(true);
    });

    test('what is old is forgotten; events only when they were published', async () => {
      await ask('documents', 'a');
      await world.emit([payment('loan', 1)]);
      const [past, future] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)];
      expect(await pruneInbox(world.database, past)).toBe(0);
      expect(await pruneInbox(world.database, future)).toBe(1);
      expect(await pruneOutbox(world.database, future)).toBe(0);
      await createRelay({ database: world.database, broker: new ScriptedBroker(), log: silentLog }).relayNow();
      expect(await pruneOutbox(world.database, past)).toBe(0);
      expect(await pruneOutbox(world.database, future)).toBe(1);
    });
  });
}
