import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { call, openServiceWorld } from '@quinta/platform/testing';
import { expect, test } from 'vitest';
import { sofipo } from '../src/service.ts';

test('a document store that takes requests and says nothing keeps nobody from starting', async () => {
  let [asked, givenUp] = [0, 0];
  const silent = createServer((_, response) => {
    asked += 1;
    response.on('close', () => (givenUp += 1));
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  try {
    const environment = { COUCHDB_URL: `http://127.0.0.1:${port}` };
    const world = await openServiceWorld(sofipo, { environment });
    // Nobody has waited for it until the time was over.
    expect(givenUp).toBe(0);
    expect((await call(`${world.baseUrl}/health`)).status).toBe(200);
    await expect.poll(() => asked).toBeGreaterThan(0);
    await world.close();
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});
