import type { Server, ServerResponse } from 'node:http';

/** The requests that a server is answering. */
export interface InFlight {
  /** Resolves when every request that is in flight now has ended; those that come later are not waited for. */
  untilEnded(): Promise<void>;
}

/** Follows the requests of a server from its first one on. */
export function followInFlight(server: Server): InFlight {
  const open = new Set<ServerResponse>();
  // One listener for all of them: a response closes once, so there is nothing to take off again.
  function forget(this: ServerResponse): void {
    open.delete(this);
  }
  server.on('request', (_, response) => {
    open.add(response);
    response.on('close', forget);
  });
  return {
    untilEnded: async () => {
      await Promise.all(
        [...open].map(
          (response) =>
            new Promise<void>((resolve) => {
              response.once('close', resolve);
            }),
        ),
      );
    },
  };
}
