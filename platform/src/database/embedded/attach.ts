import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { ensureCluster } from './cluster.ts';
import { EmbeddedServerError, explained } from './embedded-server-error.ts';
import type { Place } from './placement.ts';
import { findPostmaster, holdsWithin, type Postmaster, stopPostmaster } from './postmaster.ts';
import { type PasswordOf, readPasswords } from './secret.ts';
import { socketName } from './socket-directory.ts';
import { type StartOptions, startPostmaster } from './start.ts';
import { connectSuperuser } from './superuser-client.ts';

export interface AttachOptions extends StartOptions {
  readonly applicationName: string;
  readonly say: (line: string) => void;
}

/** A connection of the superuser's to the running server. */
export interface Attachment {
  readonly client: Client;
  readonly socketDirectory: string;
  readonly passwordOf: PasswordOf;
  readonly wasStarted: boolean;
}

/** A recovery after a crash can take its time; a server that is silent for longer is not coming. */
const readyTimeoutMs = 120_000;
const startsMax = 3;

/**
 * Connects to the server of a place, and starts it where none runs; an orphan of killed processes is taken over. Call
 * it under the mutex. Throws an EmbeddedServerError.
 */
export async function attach(options: AttachOptions): Promise<Attachment> {
  const { place, binaries, say } = options;
  await ensureCluster(place, binaries, say);
  const passwordOf = readPasswords(place.secretFile);
  const seen: Progress = { starts: 0, lastError: undefined, recoverySince: undefined };
  try {
    return await connectOrStart(options, passwordOf, seen);
  } catch (error) {
    await withdraw(place, seen);
    throw error;
  }
}

async function connectOrStart(options: AttachOptions, passwordOf: PasswordOf, seen: Progress): Promise<Attachment> {
  const { place } = options;
  let attachment: Attachment | undefined;
  await holdsWithin(readyTimeoutMs, async () => {
    const postmaster = findPostmaster(place.clusterDirectory) ?? (await startOnce(options, seen));
    attachment = postmaster && (await connectTo(postmaster, { options, passwordOf, seen }));
    return attachment !== undefined;
  });
  if (attachment === undefined) throw explained(`PostgreSQL in ${place.directory} does not answer`, seen.lastError);
  return attachment;
}

/** A server that we have started in vain would have no holder, so it is not left behind. */
async function withdraw({ clusterDirectory }: Place, seen: Progress): Promise<void> {
  const postmaster = seen.starts > 0 ? findPostmaster(clusterDirectory) : undefined;
  if (postmaster) await stopPostmaster(clusterDirectory, postmaster);
}

interface Progress {
  starts: number;
  lastError: unknown;
  /** When the server first said that it is not ready; Infinity once a person was told. */
  recoverySince: number | undefined;
}

async function startOnce(options: AttachOptions, seen: Progress): Promise<Postmaster | undefined> {
  if (seen.starts >= startsMax) {
    throw new EmbeddedServerError(
      `PostgreSQL in ${options.place.directory} ends soon after its start. Its log is ${options.place.logFile}.`,
    );
  }
  const outcome = await startPostmaster(options);
  if (outcome === 'must_wait') {
    seen.lastError = new Error('processes that were left behind by a kill are still at work');
    return undefined;
  }
  seen.starts += 1;
  return findPostmaster(options.place.clusterDirectory);
}

interface Connecting {
  readonly options: AttachOptions;
  readonly passwordOf: PasswordOf;
  readonly seen: Progress;
}

const startingUp = '57P03';
const wrongPassword = '28P01';

/** Undefined while the server is starting, recovering or shutting down. */
async function connectTo(postmaster: Postmaster, connecting: Connecting): Promise<Attachment | undefined> {
  const { options, passwordOf, seen } = connecting;
  const { socketDirectory } = postmaster;
  if (socketDirectory === undefined) return undefined;
  try {
    const address = { socketDirectory, passwordOf, database: 'postgres', applicationName: options.applicationName };
    return { client: await connectSuperuser(address), socketDirectory, passwordOf, wasStarted: seen.starts > 0 };
  } catch (error) {
    seen.lastError = error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === wrongPassword) throw notItsSecret(options.place);
    if (code === 'ENOENT') await replaceDeaf(options.place, postmaster);
    if (code === startingUp) tellOfRecovery(seen, options.say);
    return undefined;
  }
}

const quietStartMs = 1_000;

/** Every start passes through a moment of recovery; only one that lasts is worth a sentence. */
function tellOfRecovery(seen: Progress, say: (line: string) => void): void {
  seen.recoverySince ??= Date.now();
  if (Date.now() - seen.recoverySince < quietStartMs) return;
  seen.recoverySince = Infinity;
  say('PostgreSQL is recovering what was committed before a crash…');
}

const socketTimeoutMs = 5_000;

/** A postmaster whose socket was deleted (by a cleaner of temporary files) can never be reached again: it is stopped. */
async function replaceDeaf({ clusterDirectory }: Place, postmaster: Postmaster): Promise<void> {
  const { pid, socketDirectory = '' } = postmaster;
  const socket = join(socketDirectory, socketName);
  // At a start and at a stop there is no socket for a moment, beside a postmaster.pid.
  const isSettled = (): boolean => existsSync(socket) || findPostmaster(clusterDirectory)?.pid !== pid;
  if (!(await holdsWithin(socketTimeoutMs, isSettled))) await stopPostmaster(clusterDirectory, postmaster);
}

function notItsSecret({ secretFile, directory }: Place): EmbeddedServerError {
  return new EmbeddedServerError(
    `The secret in ${secretFile} is not the one of the database beside it. Put the right file back, or move ` +
      `${directory} away to begin with an empty database.`,
  );
}
