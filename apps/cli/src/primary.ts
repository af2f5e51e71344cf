import { setTimeout } from 'node:timers/promises';
import { MigrationError } from '@quinta/platform/database';
import { type Log, silentLog } from '@quinta/platform/kernel';
import { memoryKeyValue, serveKeyValue } from '@quinta/platform/keyvalue';
import {
  developmentSecret,
  migratorOf,
  openService,
  openSharedParts,
  type PlacedService,
  type Placement,
  placeServices,
  type SeedReport,
  serve,
  type SharedParts,
} from '@quinta/platform/service';
import { createLog, serveMetrics } from '@quinta/platform/telemetry';
import type { StartRequest } from './commands/start.ts';
import { CommandFailed } from './explain.ts';
import { superviseWorkers } from './supervise.ts';
import { servicesNamed } from './services.ts';
import { untilToldToStop } from './signals.ts';
import { environment, logLevel, root, say } from './surroundings.ts';
import { welcomePage } from './welcome.ts';

const reachPauseMs = 1_000;

/** Prepares the databases, then serves in this process or in workers, until it is told to stop. */
export async function startPrimary(request: StartRequest): Promise<void> {
  const stopSignal = untilToldToStop();
  const log = createLog({ service: 'quinta', level: logLevel() });
  const placement = await placeServices(servicesNamed(request.names), { environment: environment(), root, log, say });
  try {
    await migrate(placement, stopSignal);
    const seeds = await seedDemo(placement, log);
    const workers = request.workers ?? placement.host.WORKERS;
    const running = workers > 1 ? await inWorkers(request, workers) : await inThisProcess(placement, request, log);
    say(welcomePage({ placement, seeds, address: running.address, isShared: request.isShared }));
    const signal = await stopSignal;
    say(`Stopping (${signal}): requests in flight end first`);
    await running.stop(placement.host.SHUTDOWN_TIMEOUT_MS);
  } finally {
    await placement.release();
    await log.close();
  }
}

/** What serves, however many processes it is. */
interface Running {
  readonly address: string;
  stop(timeoutMs: number): Promise<void>;
}

function inThisProcess(placement: Placement, request: StartRequest, log: Log): Promise<Running> {
  return serve({ placement, log, isShared: request.isShared, processCount: 1, workerId: 0 });
}

async function inWorkers(request: StartRequest, count: number): Promise<Running> {
  const store = memoryKeyValue();
  const endStore = serveKeyValue(store);
  const gathering = serveMetrics();
  const workers = await superviseWorkers({ count, argv: argvOf(request, count) });
  return {
    address: workers.address,
    stop: async (timeoutMs) => {
      await workers.stop(timeoutMs);
      endStore();
      gathering.close();
      await store.close();
    },
  };
}

function argvOf(request: StartRequest, count: number): string[] {
  return ['start', ...request.names, ...(request.isShared ? ['--all'] : []), '--workers', String(count)];
}

/** Brings every database to the newest migration; of several processes that start at once, one works. */
async function migrate(placement: Placement, stopSignal: Promise<string>): Promise<void> {
  for (const placed of placement.placed) {
    // `say` tells each step; the log need not repeat them.
    const migrator = migratorOf(placed, { log: silentLog, say });
    await whenReachable(() => migrator.up(), { waitMs: placement.host.DATABASE_WAIT_MS, stopSignal });
  }
}

/** A database that is still starting, as beside a container, is waited for. */
async function whenReachable<T>(
  work: () => Promise<T>,
  { waitMs, stopSignal }: { readonly waitMs: number; readonly stopSignal: Promise<string> },
): Promise<T> {
  const deadline = Date.now() + waitMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isDown = error instanceof MigrationError && error.kind === 'unreachable';
      if (!isDown || Date.now() + reachPauseMs > deadline) throw error;
      if (attempt === 1) say(`The database does not answer yet: waiting for at most ${Math.round(waitMs / 1000)} s`);
      const signal = await Promise.race([setTimeout(reachPauseMs), stopSignal]);
      if (signal !== undefined) throw new CommandFailed(`Stopped (${signal}) before the database answered`);
    }
  }
}

/** Demo data for embedded databases only: nobody's real one is ever filled. */
async function seedDemo(placement: Placement, log: Log): Promise<ReadonlyMap<string, SeedReport>> {
  const reports = new Map<string, SeedReport>();
  const wanted = placement.placed.filter(({ isEmbedded }) => isEmbedded);
  if (placement.isProduction || !placement.host.QUINTA_DEMO || wanted.length === 0) return reports;
  const shared = openSharedParts(placement, log, { processCount: 1, workerId: 0, isStopping: () => false });
  try {
    for (const placed of wanted) reports.set(placed.service.face.name, await seedOne(placement, placed, shared));
  } finally {
    await shared.close();
  }
  return reports;
}

async function seedOne(placement: Placement, placed: PlacedService, shared: SharedParts): Promise<SeedReport> {
  const running = await openService(placement, placed, shared, '');
  try {
    const password = developmentSecret(placement.dataDirectory, 'demo-password');
    return await placed.service.seed(running.opened.app, password);
  } finally {
    await running.close();
  }
}
