import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../kernel/index.ts';
import { realDatabases } from '../testing/index.ts';
import { createShipper, fileSink, notesIn, type Sink, webhookSink } from './ship.ts';
import { type LedgerWorld, openLedgerWorld } from './test/ledger-world.ts';

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`sending checkpoints away on ${real.name}`, () => {
    let world: LedgerWorld;
    let folder: string;
    let server: Server;
    const posted: string[] = [];
    let status = 204;

    beforeEach(async () => {
      world = await openLedgerWorld(real);
      folder = await mkdtemp(path.join(tmpdir(), 'quinta-ship-'));
      posted.length = 0;
      status = 204;
      server = createServer((request, response) => {
        let body = '';
        request.setEncoding('utf8').on('data', (part: string) => (body += part));
        request.on('end', () => {
          posted.push(body);
          response.writeHead(status).end();
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    });
    afterEach(async () => {
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
      await world.close();
    });

    const shipper = (...sinks: Sink[]) =>
      createShipper({ database: world.database, sinks, everyMs: 3_600_000, log: silentLog });
    const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/notes`;

    it('appends each to a file, by which the audit is verified later', async () => {
      const file = path.join(folder, 'kept', 'notes.txt');
      const shipping = shipper(fileSink(file));
      expect(await shipping.shipNow()).toEqual([]);
      for (let part = 0; part < 3; part += 1) {
        await world.write(2);
        await world.seal();
        await shipping.shipNow();
        await shipping.shipNow();
      }
      const kept = notesIn(await readFile(file, 'utf8'));
      expect(kept).toEqual((await world.notes()).toReversed());
      expect(await world.verify({ keptNotes: kept })).toMatchObject({ isSound: true });
    });

    it('posts the newest, and again until it was taken', async () => {
      const shipping = shipper(webhookSink(address()));
      await world.write(1);
      await world.seal();
      status = 503;
      expect(await shipping.shipNow()).toHaveLength(1);
      await world.write(1);
      await world.seal();
      await world.run('update audit_shipments set claimed_until = null');
      status = 200;
      expect(await shipping.shipNow()).toEqual([]);
      await shipping.shipNow();
      const [newest, older] = await world.notes();
      expect(posted).toEqual([older, newest]);
    });

    it('is done by one of several processes', async () => {
      await world.write(1);
      await world.seal();
      await Promise.all(Array.from({ length: 6 }, () => shipper(webhookSink(address())).shipNow()));
      expect(posted).toEqual(await world.notes());
    });

    it('follows no redirection, and gives up on who does not answer', async () => {
      await world.write(1);
      await world.seal();
      status = 302;
      expect(await shipper(webhookSink(address())).shipNow()).toHaveLength(1);
      expect(await shipper(webhookSink('http://127.0.0.1:1/')).shipNow()).toHaveLength(1);
      expect(await shipper(fileSink(path.join(folder, 'x\u0000y'))).shipNow()).toHaveLength(1);
    });
  });
}
