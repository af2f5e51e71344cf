import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBinaries } from '../database/embedded/binaries.ts';
import { ensureCluster, superuser } from '../database/embedded/cluster.ts';
import { type Place, placeFor } from '../database/embedded/placement.ts';
import { findPostmaster, holdsWithin, stopPostmaster } from '../database/embedded/postmaster.ts';
import { readPasswords } from '../database/embedded/secret.ts';
import { removeSocketDirectory, socketPort } from '../database/embedded/socket-directory.ts';
import { startPostmaster } from '../database/embedded/start.ts';
import { socketUrl } from '../database/embedded/superuser-client.ts';
import { isRetryable } from '../database/faults.ts';
import { connect } from '../database/migrations/connection.ts';

/** A PostgreSQL of its own on a private socket, to be paused, killed and started again. */
export interface PairedServer {
  /** Of the superuser, in the database `postgres`. */
  readonly url: string;
  /** Runs SQL as an administrator, on a connection of its own. */
  run(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Stops every process of the server where it stands (SIGSTOP), as a machine that hangs. */
  pause(): void;
  resume(): void;
  /** Ends every process of the server at once (SIGKILL), as a machine that loses its power. */
  kill(): Promise<void>;
  /** Starts it again; resolves when it answers. */
  start(): Promise<void>;
}

export interface ReplicatedPair {
  readonly primary: PairedServer;
  readonly replica: PairedServer;
  /** Resolves when the replica has replayed all that the primary has written. */
  caughtUp(): Promise<void>;
  /** Stops both and removes their folders. */
  close(): Promise<void>;
}

/**
 * Short-lived: nothing has to survive a loss of power of the real machine. A commit waits for the replay once
 * `synchronous_standby_names` names a standby, and for nobody until then.
 */
const settings = {
  fsync: 'off',
  max_standby_streaming_delay: '200ms',
  synchronous_commit: 'remote_apply',
  wal_receiver_status_interval: '1s',
};
const answerTimeoutMs = 30_000;

/**
 * Starts a primary and its streaming replica from the embedded PostgreSQL: nothing has to be installed. The replica is
 * a copy of the primary's folder, made while that was stopped. Each takes about a second; the caller closes the pair.
 */
export async function startReplicatedPair(): Promise<ReplicatedPair> {
  const folder = await mkdtemp(join(tmpdir(), 'quinta-pair-'));
  await chmod(folder, 0o755); // as root, PostgreSQL's own account must pass it
  const places = ['primary', 'replica'].map((name) => placeFor(join(folder, name), () => undefined));
  const close = async (): Promise<void> => {
    for (const place of places.toReversed()) await stop(place);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const [first, second] = places;
    if (!first || !second) throw new Error('There are two places');
    await ensureCluster(first, await findBinaries(first), () => undefined);
    copyCluster(first, second);
    const primary = await serverIn(first);
    follow(second, first);
    const replica = await serverIn(second);
    const caughtUp = (): Promise<void> => untilCaughtUp(primary, replica);
    await caughtUp();
    return { primary, replica, caughtUp, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function copyCluster(from: Place, to: Place): void {
  cpSync(from.clusterDirectory, to.clusterDirectory, { recursive: true });
  cpSync(from.secretFile, to.secretFile);
}

function follow(replica: Place, primary: Place): void {
  const password = readPasswords(primary.secretFile)(superuser);
  const address = { host: socketFolderOf(primary), port: socketPort, user: superuser, password };
  const connection = Object.entries(address).map(([name, value]) => `${name}=${value}`);
  const lines = [`primary_conninfo = '${connection.join(' ')}'`, 'wal_retrieve_retry_interval = 100ms', ''];
  writeFileSync(join(replica.clusterDirectory, 'postgresql.auto.conf'), lines.join('\n'));
  writeFileSync(join(replica.clusterDirectory, 'standby.signal'), '');
}

async function serverIn(place: Place): Promise<PairedServer> {
  const binaries = await findBinaries(place);
  const start = async (): Promise<void> => {
    await ensureCluster(place, binaries, () => undefined); // gives what was copied to PostgreSQL's account
    let outcome = await startPostmaster({ place, binaries, settings });
    const isUp = async (): Promise<boolean> => {
      if (outcome === 'must_wait') outcome = await startPostmaster({ place, binaries, settings });
      return outcome === 'standing' && (await answers(place));
    };
    if (!(await holdsWithin(answerTimeoutMs, isUp)))
      throw new Error(`PostgreSQL in ${place.directory} does not answer`);
  };
  await start();
  const url = urlOf(place);
  return {
    url,
    start,
    run: (sql) => runOnce(url, sql),
    pause: () => signalAll(place, 'SIGSTOP'),
    resume: () => signalAll(place, 'SIGCONT'),
    kill: async () => {
      const pids = signalAll(place, 'SIGKILL');
      await holdsWithin(answerTimeoutMs, () => pids.every((pid) => !isRunning(pid)));
    },
  };
}

function urlOf(place: Place): string {
  const password = readPasswords(place.secretFile)(superuser);
  return socketUrl(socketFolderOf(place), 'postgres', { role: superuser, password });
}

function socketFolderOf(place: Place): string {
  const folder = findPostmaster(place.clusterDirectory)?.socketDirectory;
  if (folder === undefined) throw new Error(`No PostgreSQL runs in ${place.directory}`);
  return folder;
}

async function answers(place: Place): Promise<boolean> {
  try {
    await runOnce(urlOf(place), 'select 1');
    return true;
  } catch {
    return false; // it is still starting
  }
}

/** What a replica cancels because of what it replays is asked again. */
async function runOnce(url: string, sql: string, attemptsLeft = 10): Promise<readonly Record<string, unknown>[]> {
  const connection = await connect({ url });
  try {
    return await connection.run(sql);
  } catch (error) {
    if (!isRetryable(error) || attemptsLeft === 0) throw error;
  } finally {
    await connection.close();
  }
  return runOnce(url, sql, attemptsLeft - 1);
}

async function untilCaughtUp(primary: PairedServer, replica: PairedServer): Promise<void> {
  const [now] = await primary.run('select pg_current_wal_flush_lsn()::text as position');
  const question = `select pg_last_wal_replay_lsn() >= '${String(now?.['position'])}'::pg_lsn as has`;
  const has = async (): Promise<boolean> => (await replica.run(question))[0]?.['has'] === true;
  if (!(await holdsWithin(answerTimeoutMs, has))) throw new Error('The replica does not catch up');
}

async function stop(place: Place): Promise<void> {
  const running = findPostmaster(place.clusterDirectory);
  if (!running) return;
  signalAll(place, 'SIGCONT');
  await stopPostmaster(place.clusterDirectory, running);
  if (running.socketDirectory !== undefined) removeSocketDirectory(running.socketDirectory);
}

/** The postmaster and its children, which are in process groups of their own. */
function signalAll(place: Place, signal: NodeJS.Signals): readonly number[] {
  const postmaster = findPostmaster(place.clusterDirectory)?.pid;
  if (postmaster === undefined) return [];
  const pids = [postmaster, ...childrenOf(postmaster)];
  for (const pid of pids) if (isRunning(pid)) process.kill(pid, signal);
  return pids;
}

function childrenOf(parent: number): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => fieldsOf(pid)[1] === String(parent));
}

/** A zombie runs no more. */
function isRunning(pid: number): boolean {
  const [state] = fieldsOf(pid);
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** State, parent, … of a process; empty where there is none. */
function fieldsOf(pid: number): readonly string[] {
  const file = `/proc/${pid}/stat`;
  try {
    return existsSync(file)
      ? readFileSync(file, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')
      : [];
  } catch {
    return []; // it has just ended
  }
}
