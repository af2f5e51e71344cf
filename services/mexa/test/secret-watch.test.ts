import { writeStatement } from '@quinta/platform/database';
import { expect, test } from 'vitest';
import { openMexaWorld } from './mexa-world.ts';

const leak = writeStatement<[details: string], never>(
  'test.leak',
  `insert into audit_logs (request_id, action, resource_type, details)
   values (gen_random_uuid(), 'leak', 'test', $1::jsonb)`,
);

test('a world whose audit keeps a token does not close in peace', async () => {
  const world = await openMexaWorld();
  await world.owner.runAlone(leak, [JSON.stringify({ note: world.tokens.admin })]);
  await expect(world.close()).rejects.toThrow(/audit_logs \d+ holds a secret/);
});

test('a world whose log keeps a password does not close in peace', async () => {
  const world = await openMexaWorld();
  await world.api('/auth/login', { body: { username: 'admin.demo', password: 'girasol-azul-42' } });
  world.mexa.log.info({ note: 'girasol-azul-42' }, 'A leak made on purpose');
  await expect(world.close()).rejects.toThrow(/log holds a secret/);
});
