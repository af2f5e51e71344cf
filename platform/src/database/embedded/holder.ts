import { setTimeout as pause } from 'node:timers/promises';
import { type Client, DatabaseError } from 'pg';
import type { Log } from '../../kernel/index.ts';
import { attach, type Attachment, type AttachOptions } from './attach.ts';
import { closeCommonDatabases } from './databases.ts';
import { withMutex } from './mutex.ts';
import { findPostmaster, holdsWithin, isAlive, stopPostmaster } from './postmaster.ts';
import { removeSocketDirectory } from './socket-directory.ts';

/** How a holder's idle connection is called in pg_stat_activity, followed by its process id. */
const holderName = 'quinta holder';
const leavingName = 'quinta leaving';

const lingerTimeoutMs = 1_000;
const revivalsMax = 30;
const revivalPauseMaxMs = 5_000;

/** `pg` has these two; its types do not. */
type Unreferenced = Client & { ref(): void; unref(): void };

/**
 * One process's hold on the server: an idle connection, by which others see that somebody is there. While it holds,
 * a server that ends (killed, or stopped by somebody) is started again by whichever holder is first; a holder that
 * lets go stops the server if it was the last. Both happen under the mutex, so a start never meets a stop.
 */
export class Holder {
  private readonly options: Omit<AttachOptions, 'applicationName'>;
  private readonly log: Log;
  private attachment: Attachment;
  private ended: Promise<void> = Promise.resolve();
  private isReleased = false;
  private revival: Promise<void> | undefined;

  private constructor(options: Omit<AttachOptions, 'applicationName'>, log: Log, attachment: Attachment) {
    this.options = options;
    this.log = log;
    this.attachment = attachment;
    this.watch();
  }

  static async hold(options: Omit<AttachOptions, 'applicationName'>, log: Log): Promise<Holder> {
    return new Holder(options, log, await attachAsHolder(options, log));
  }

  /** Where the server is now. */
  get current(): Attachment {
    return this.attachment;
  }

  /**
   * Runs `work` on the holder's own connection, alone among all processes. Where the server ends meanwhile, the work is
   * done again, once, on the server that has been started since: it has to bear that.
   */
  async exclusively<T>(work: (attachment: Attachment) => Promise<T>): Promise<T> {
    await this.revival;
    const { attachment: before, ended } = this;
    try {
      return await this.alone(work);
    } catch (error) {
      if (isFatal(error)) await ended;
      await this.revival;
      if (this.attachment === before) throw error;
      return this.alone(work);
    }
  }

  private alone<T>(work: (attachment: Attachment) => Promise<T>): Promise<T> {
    return withMutex(this.options.place.lockFile, async () => {
      const client = this.attachment.client as Unreferenced;
      client.ref();
      try {
        return await work(this.attachment);
      } finally {
        client.unref();
      }
    });
  }

  /** Lets go, and stops the server when no other client is connected. */
  async release(): Promise<void> {
    this.isReleased = true;
    await this.revival;
    try {
      await this.exclusively(async ({ client }) => {
        if (!(await isLast(client))) return;
        await this.disconnect();
        await this.stop();
      });
    } catch (error) {
      // A server that is already gone is as good as stopped; one that does not stop is worth an error.
      if (findPostmaster(this.options.place.clusterDirectory) !== undefined) throw error;
    } finally {
      await this.disconnect();
    }
  }

  private async disconnect(): Promise<void> {
    const client = this.attachment.client as Unreferenced;
    client.ref(); // else the process could end before the connection does
    await client.end();
  }

  private async stop(): Promise<void> {
    const { clusterDirectory } = this.options.place;
    const postmaster = findPostmaster(clusterDirectory);
    if (postmaster === undefined) return;
    await stopPostmaster(clusterDirectory, postmaster);
    if (postmaster.socketDirectory !== undefined) removeSocketDirectory(postmaster.socketDirectory);
    this.log.info({ pid: postmaster.pid }, 'embedded database stopped');
  }

  private watch(): void {
    const client = this.attachment.client as Unreferenced;
    // The error comes before the end, and so whoever waits for the end finds the revival.
    this.ended = new Promise<void>((resolve) => {
      client.once('end', () => resolve());
    });
    client.once('error', () => {
      if (!this.isReleased) this.revival = this.ended.then(() => this.revive());
    });
    client.unref(); // a process that has nothing else to do may end
  }

  private async revive(): Promise<void> {
    this.log.warn({}, 'embedded database lost; connecting again');
    for (let attempt = 0; attempt < revivalsMax && !this.isReleased; attempt += 1) {
      try {
        this.attachment = await attachAsHolder(this.options, this.log);
        this.watch();
        return;
      } catch (error) {
        this.log.error({ err: error, attempt }, 'embedded database does not come back');
        await pause(Math.min(revivalPauseMaxMs, 100 * 2 ** attempt), undefined, { ref: false });
      }
    }
  }
}

/** Whether the server has said that it closes the connection. Its word comes before the connection ends. */
function isFatal(error: unknown): boolean {
  return error instanceof DatabaseError && (error.severity === 'FATAL' || error.severity === 'PANIC');
}

async function attachAsHolder(options: Omit<AttachOptions, 'applicationName'>, log: Log): Promise<Attachment> {
  const applicationName = `${holderName} ${process.pid}`;
  return withMutex(options.place.lockFile, async () => {
    const attachment = await attach({ ...options, applicationName });
    if (attachment.wasStarted) await closeCommonDatabases(attachment.client);
    const { directory, account } = options.place;
    log.info({ directory, account: account.name, wasStarted: attachment.wasStarted }, 'embedded database ready');
    return attachment;
  });
}

/**
 * Whether no other client is connected. A connection outlives its client by a moment, so those whose process is gone,
 * or that hold nothing, get up to a second to end; another living holder is an answer at once.
 */
async function isLast(client: Client): Promise<boolean> {
  await client.query(`set application_name = '${leavingName}'`);
  let others: readonly string[] = [];
  await holdsWithin(lingerTimeoutMs, async () => {
    others = await otherClients(client);
    return others.length === 0 || others.some(isLivingHolder);
  });
  return others.length === 0;
}

/** Whoever has not signed in yet is no client: a broken one could stay at the door for a minute. */
async function otherClients(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ application_name: string }>(
    `select application_name from pg_stat_activity
      where backend_type = 'client backend' and usesysid is not null and pid <> pg_backend_pid()`,
  );
  return rows.map((row) => row.application_name);
}

function isLivingHolder(applicationName: string): boolean {
  const [, pid] = /^quinta holder (\d+)$/.exec(applicationName) ?? [];
  return pid !== undefined && isAlive(Number(pid));
}
