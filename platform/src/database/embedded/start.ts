import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { identityOf } from './account.ts';
import type { Binaries } from './binaries.ts';
import { cannotRun, serverEnvironment } from './cluster.ts';
import { EmbeddedServerError, explaining, reasonIn } from './embedded-server-error.ts';
import type { Place } from './placement.ts';
import { disarmPidFile, findPostmaster, holdsWithin } from './postmaster.ts';
import { socketDirectoryFor, socketPort } from './socket-directory.ts';

export interface StartOptions {
  readonly place: Place;
  readonly binaries: Binaries;
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * How a start went: the postmaster stands; or one has to wait, for the end of a backend of a killed one, or for another
 * postmaster that is coming up, whose starter was killed before it had written its postmaster.pid.
 */
export type StartOutcome = 'standing' | 'must_wait';

const logBytesMax = 10 * 1024 * 1024;
const pidFileTimeoutMs = 60_000;
const reasonsToWait = ['pre-existing shared memory block', 'lock file "postmaster.pid" already exists'];

/**
 * Beside what belongs to a private server on a socket: the log never holds a statement, a value or an SQL error of a
 * client, so it holds no secret and does not grow with the traffic.
 */
const ownSettings: Readonly<Record<string, string>> = {
  timezone: 'UTC',
  log_timezone: 'UTC',
  max_connections: '200',
  jit: 'off',
  log_checkpoints: 'off',
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
};

/**
 * Starts a postmaster that outlives us and its terminal: in its own session, so that no Ctrl-C and no signal to our
 * process group reaches it. Resolves when its postmaster.pid stands. Call it under the mutex.
 */
export async function startPostmaster(options: StartOptions): Promise<StartOutcome> {
  const { place } = options;
  disarmPidFile(place.clusterDirectory);
  const log = explaining(`Cannot write ${place.logFile}`, () => openLog(place.logFile));
  try {
    const child = spawnPostmaster(options, log.descriptor);
    const failure = await standsOrFails(child, place);
    if (failure === undefined) return 'standing';
    if (failure instanceof Error) throw cannotRun(options.binaries.postgres, failure);
    const said = readFileSync(place.logFile).subarray(log.length).toString();
    if (reasonsToWait.some((reason) => said.includes(reason))) return 'must_wait';
    throw new EmbeddedServerError(
      `PostgreSQL does not start in ${place.directory}: ${said.trim() === '' ? failure : reasonIn(said)}. ` +
        `Its log is ${place.logFile}.`,
    );
  } finally {
    closeSync(log.descriptor);
  }
}

function spawnPostmaster({ place, binaries, settings }: StartOptions, log: number): ChildProcess {
  const socket = {
    listen_addresses: '',
    unix_socket_directories: socketDirectoryFor(place.clusterDirectory, place.account),
    unix_socket_permissions: '0700',
    port: String(socketPort),
  };
  const all = Object.entries({ ...ownSettings, ...settings, ...socket });
  const args = ['-D', place.clusterDirectory, ...all.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const child = spawn(binaries.postgres, args, {
    cwd: '/',
    env: serverEnvironment,
    detached: true,
    stdio: ['ignore', log, log],
    ...identityOf(place.account),
  });
  child.unref();
  return child;
}

/** Undefined when the postmaster stands; else the error of starting it, or the way it ended. */
async function standsOrFails(child: ChildProcess, place: Place): Promise<Error | string | undefined> {
  let failure: Error | string | undefined;
  child.once('error', (error) => (failure = error));
  child.once('exit', (code, signal) => (failure ??= `it ended with ${signal ?? `code ${code}`}`));
  const stands = (): boolean => findPostmaster(place.clusterDirectory)?.pid === child.pid;
  const isDecided = await holdsWithin(pidFileTimeoutMs, () => failure !== undefined || stands());
  return isDecided ? failure : 'it has not written its postmaster.pid within a minute';
}

/** Appends; a log that has grown too long is kept once under another name. */
function openLog(path: string): { readonly descriptor: number; readonly length: number } {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > logBytesMax) renameSync(path, `${path}.1`);
  return { descriptor: openSync(path, 'a', 0o600), length: size > logBytesMax ? 0 : size };
}
