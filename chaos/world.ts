import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Children } from '../bench/stage/children.ts';
import { freePort } from '../platform/src/testing/free-port.ts';
import { mainScript } from '../bench/stage/quinta.ts';
import { openForBench } from '../bench/stage/sql.ts';
import { type Database, type EmbeddedServer, holdEmbeddedServer } from '../platform/src/database/index.ts';
import { silentLog } from '../platform/src/kernel/index.ts';
import type { Options } from './options.ts';
import { BrokerPart } from './parts/broker.ts';
import { DocumentsPart } from './parts/documents.ts';
import type { Part } from './parts/part.ts';
import { QuintaPart, sofipoVariables } from './parts/quinta.ts';

/** What a run stands on: real parts on private ports and folders, which end with it. */
export interface World {
  /** Up to `/api/v1`. */
  readonly apiUrl: string;
  readonly admin: { readonly username: string; readonly password: string };
  /** SOFIPO's database as the superuser. */
  readonly sql: Database;
  readonly documents: DocumentsPart;
  readonly parts: readonly Part[];
  /** Processes that ended though nobody had killed them. */
  readonly ownEnds: readonly string[];
  /** Runs a command of `quinta` to its end. */
  quinta(words: readonly string[]): Promise<{ readonly status: number; readonly output: string }>;
  close(): Promise<void>;
}

interface Run {
  readonly options: Pick<Options, 'broker' | 'logFolder'>;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const databaseName = 'sofipo';
const commandTimeoutMs = 300_000;

/** Starts PostgreSQL, RabbitMQ, the document store, the API and two workers. Close it however the run ends. */
export async function openWorld(run: Run): Promise<World> {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'quinta-chaos-')));
  chmodSync(folder, 0o755); // as root, PostgreSQL runs as somebody else
  const children = new Children(run.signal);
  const closers: (() => Promise<void>)[] = [
    async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  ];
  const close = async (): Promise<void> => {
    // What stands on others ends before them.
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    return { ...(await startParts(run, { folder, children, closers })), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startParts(
  { options, signal, say }: Run,
  place: { readonly folder: string; readonly children: Children; readonly closers: (() => Promise<void>)[] },
): Promise<Omit<World, 'close'>> {
  const { folder, children, closers } = place;
  const ownEnds: string[] = [];
  const onOwnEnd = (said: string): void => {
    ownEnds.push(said);
    say(said);
  };
  say('starting PostgreSQL, RabbitMQ and the document store');
  const server = await holdEmbeddedServer({ dataDirectory: folder, log: silentLog });
  closers.push(() => server.release());
  const { urls, sql } = await openDatabaseOf(server, closers);
  closers.push(() => children.stopAll());
  const broker = options.broker === 'rabbitmq' ? await BrokerPart.prepare(signal) : undefined;
  if (broker) closers.push(() => broker.stop());
  await broker?.start();
  const documents = await DocumentsPart.start({ children, folder, signal, onOwnEnd });
  closers.push(() => documents.stop());
  const port = await freePort();
  const admin = { username: 'chaos', password: randomBytes(18).toString('base64url') };
  const secret = randomBytes(36).toString('base64url');
  const brokerUrl = broker?.url;
  const variables = sofipoVariables({ folder, port, urls, documentsUrl: documents.url, brokerUrl, admin, secret });
  const logFolder = options.logFolder ?? path.join(folder, 'logs');
  mkdirSync(logFolder, { recursive: true });
  const wires = [documents.wire, ...(broker ? [broker.wire] : [])];
  const quintaOptions = { children, folder: logFolder, variables, signal, wires, onOwnEnd };
  say('starting the API and two workers');
  const processes: QuintaPart[] = [];
  for (const name of ['api', 'worker 1', 'worker 2'] as const) {
    const started = await QuintaPart.start(name, quintaOptions);
    processes.push(started);
    closers.push(() => started.stop());
  }
  return {
    apiUrl: `http://127.0.0.1:${port}/api/v1`,
    admin,
    sql,
    documents,
    parts: [...(broker ? [broker] : []), documents, ...processes],
    ownEnds,
    quinta: (words) =>
      children.tryRun(process.execPath, [mainScript, ...words], { env: variables, timeoutMs: commandTimeoutMs }),
  };
}

async function openDatabaseOf(server: EmbeddedServer, closers: (() => Promise<void>)[]) {
  const urls = await server.ensureDatabase(databaseName);
  const sql = openForBench(server.adminUrl.replace(/@\/[^?]*/, `@/${databaseName}`));
  closers.push(() => sql.close());
  return { urls, sql };
}
