import type { Log } from '../../kernel/index.ts';
import { findBinaries } from './binaries.ts';
import { superuser } from './cluster.ts';
import { createDatabase, type EmbeddedDatabase, removeDatabase, urlsOf } from './databases.ts';
import { Holder } from './holder.ts';
import { placeFor } from './placement.ts';
import { socketUrl } from './superuser-client.ts';

export interface EmbeddedServerOptions {
  /** Made where it is missing. One server serves every process that names the same folder. */
  readonly dataDirectory: string;
  readonly log: Log;
  /** Told in sentences what takes a while or what a person should know. */
  readonly say?: (line: string) => void;
  /** Settings of PostgreSQL; they count for the process that starts the server. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A hold on the PostgreSQL server of a data folder. */
export interface EmbeddedServer {
  /** Where the Unix socket is (port 5432). */
  readonly socketDirectory: string;
  /** The cluster of PostgreSQL itself; for root it may lie outside of the data folder. */
  readonly dataDirectory: string;
  /** The superuser's, for the tests' template databases and for `doctor`. */
  readonly adminUrl: string;
  /**
   * Creates a database, its owner `<name>_owner` (tables and trusted extensions) and its application role `<name>_app`
   * (may connect; no DDL), each where it is missing. Any number of processes may ask at once.
   */
  ensureDatabase(name: string): Promise<EmbeddedDatabase>;
  /** Ends the connections of a database and drops it with its two roles. */
  dropDatabase(name: string): Promise<void>;
  /** Lets go. The last holder of all processes stops the server, unless another client (psql) is still connected. */
  release(): Promise<void>;
}

/**
 * Holds the embedded PostgreSQL of a data folder: makes its cluster on the first start, starts it where it does not
 * run, and joins it where it does. Throws an EmbeddedServerError that says what to do.
 */
export async function holdEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const { dataDirectory, log, settings = {}, say = () => undefined } = options;
  const place = placeFor(dataDirectory, say);
  const binaries = await findBinaries(place);
  const holder = await Holder.hold({ place, binaries, settings, say }, log);
  let released: Promise<void> | undefined;
  return {
    get socketDirectory() {
      return holder.current.socketDirectory;
    },
    get adminUrl() {
      const { socketDirectory, passwordOf } = holder.current;
      return socketUrl(socketDirectory, superuser, { role: superuser, password: passwordOf(superuser) });
    },
    dataDirectory: place.clusterDirectory,
    ensureDatabase: (name) =>
      holder.exclusively(async ({ client, passwordOf, socketDirectory }) => {
        await createDatabase(client, name, passwordOf);
        return urlsOf(socketDirectory, name, passwordOf);
      }),
    dropDatabase: (name) => holder.exclusively(({ client }) => removeDatabase(client, name)),
    release: () => (released ??= holder.release()),
  };
}
