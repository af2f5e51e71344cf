import type { Server, ServerResponse } from 'node:http';

/** The requests that a server is answering. */
export interface InFlight {
  /** Resolves when every request that is in flight now has ended; those that come later are not waited for. */
  untilEnded(): Promise<void>;
}

/** The requests that came between two calls of `untilEnded`. */
interface Batch {
  open: number;
  readonly ended: PromiseWithResolvers<void>;
}

/**
 * Follows the requests of a server from its first one on. They are counted and not kept: a Set that changes with every
 * request is copied again and again, and each old copy that the collector has moved to the old space keeps the next one
 * alive, with all its requests. That took a quarter of a busy process's time.
 */
export function followInFlight(server: Server): InFlight {
  let current = newBatch();
  let earlier: Promise<unknown> = Promise.resolve();
  server.on('request', (_, response: ServerResponse) => {
    const batch = current;
    batch.open += 1;
    response.on('close', () => {
      batch.open -= 1;
      if (batch.open === 0 && batch !== current) batch.ended.resolve();
    });
  });
  return {
    untilEnded: async () => {
      const last = current;
      current = newBatch();
      if (last.open === 0) last.ended.resolve();
      earlier = Promise.all([earlier, last.ended.promise]);
      await earlier;
    },
  };
}

function newBatch(): Batch {
  return { open: 0, ended: Promise.withResolvers<void>() };
}
