import type { FastifyInstance } from 'fastify';
import { ConfigError } from '../config/index.ts';
import { buildServer } from '../http/index.ts';
import { type Log, systemClock } from '../kernel/index.ts';
import { frontPageHtml } from './front-page.ts';
import { followInFlight, type InFlight } from './in-flight.ts';
import { startBackground, stopBackground } from './background.ts';
import { openService, openSharedParts, type RunningService, type SharedParts } from './open.ts';
import type { Placement } from './place.ts';
import { portHeldBy } from './port-holder.ts';

export interface ServeOptions {
  readonly placement: Placement;
  readonly log: Log;
  /** Services under prefixes with a front page, or one alone at the root. */
  readonly isShared: boolean;
  readonly processCount: number;
  readonly workerId: number;
  readonly logDestination?: { write(line: string): void };
}

/** The listening server of one process. */
export interface Serving {
  readonly address: string;
  readonly services: readonly RunningService[];
  /** Readiness off, requests in flight end (at most `timeoutMs`), parts close. Idempotent. */
  stop(timeoutMs: number): Promise<void>;
}

/** The port is taken: says by whom, as far as the machine tells. */
export class PortTaken extends Error {}

const housekeepingMs = 3_600_000;
const cutAgainMs = 50;
const sharedPortDefault = 8_000;

/** Opens every placed service and listens. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { placement, isShared } = options;
  let isStopping = false;
  const shared = openSharedParts(placement, options.log, { ...options, isStopping: () => isStopping });
  const services: RunningService[] = [];
  const closeParts = async (): Promise<void> => {
    for (const service of services) await service.close();
    await shared.close();
  };
  try {
    for (const placed of placement.placed) {
      services.push(await openService(placement, placed, shared, isShared ? `/${placed.service.face.name}` : ''));
    }
    const server = await serverOf(options, shared, services);
    const inFlight = followInFlight(server.server);
    const address = await listen(server, options);
    for (const service of services) startBackground(service, 'where queues are embedded');
    const housekeeping = setInterval(() => void keepHouse(services, options.log), housekeepingMs);
    let stopped: Promise<void> | undefined;
    const stop = async (timeoutMs: number): Promise<void> => {
      isStopping = true;
      const endMs = performance.now() + timeoutMs;
      clearInterval(housekeeping);
      await closeWithin(server, inFlight, timeoutMs);
      for (const service of services) await stopBackground(service, endMs - performance.now());
      await closeParts();
    };
    return { address, services, stop: (timeoutMs) => (stopped ??= stop(timeoutMs)) };
  } catch (error) {
    await closeParts();
    throw error;
  }
}

async function serverOf(
  { placement, log, isShared }: ServeOptions,
  shared: SharedParts,
  services: readonly RunningService[],
): Promise<FastifyInstance> {
  const observers = new Map(
    services.map(({ placed: { service } }) => [service.face.name, shared.metrics.forService(service.face.name)]),
  );
  return buildServer(
    services.map(({ mounted }) => mounted),
    {
      clock: systemClock,
      log,
      trustProxy: placement.host.TRUST_PROXY,
      corsOrigins: placement.host.CORS_ORIGINS,
      checksReplies: placement.host.APP_ENV === 'test',
      observe: ({ service, route, method, status, durationMs }) =>
        (observers.get(service) ?? shared.metrics).observeRequest({
          route,
          method,
          status,
          durationSeconds: durationMs / 1000,
        }),
      metrics: () => shared.metrics.exposition(),
      metricsToken: placement.host.METRICS_TOKEN,
      ...(isShared ? { frontPage: () => frontPageHtml(services.map(({ placed }) => placed.service.face)) } : {}),
    },
  );
}

async function listen(server: FastifyInstance, { placement, isShared }: ServeOptions): Promise<string> {
  const [first] = placement.placed;
  const alone = first && !isShared ? { port: first.config['PORT'], fallback: first.service.defaultPort } : undefined;
  const port = Number(alone ? (alone.port ?? alone.fallback) : (placement.host.PORT ?? sharedPortDefault));
  const host = placement.host.HOST;
  try {
    return await server.listen({ port, host });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new PortTaken(
        `Port ${port} is taken by ${await portHeldBy(port)}. Stop that, or choose another: PORT=${port + 1} npm start`,
        { cause: error },
      );
    }
    const reason = error instanceof Error && 'code' in error ? unusableAddress.get(String(error.code)) : undefined;
    if (reason !== undefined) throw new ConfigError([`HOST and PORT hold ${host} and ${port}, but ${reason}`]);
    throw error;
  }
}

const unusableAddress: ReadonlyMap<string, string> = new Map([
  ['ENOTFOUND', 'HOST should hold an address of this machine, such as 0.0.0.0 or 127.0.0.1'],
  ['EADDRNOTAVAIL', 'HOST should hold an address of this machine, such as 0.0.0.0 or 127.0.0.1'],
  ['EAI_AGAIN', 'HOST should hold an address of this machine, such as 0.0.0.0 or 127.0.0.1'],
  ['EACCES', 'PORT should hold one that this user may listen on: from 1024'],
]);

/**
 * Requests in flight may end; what has not by then is cut off. While they run the port still answers, with a readiness
 * of 503, so that a balancer sends the next request elsewhere instead of meeting a closed port.
 */
async function closeWithin(server: FastifyInstance, inFlight: InFlight, timeoutMs: number): Promise<void> {
  let cutting: NodeJS.Timeout | undefined;
  const cut = (): void => server.server.closeAllConnections();
  const timer = setTimeout(() => {
    cut();
    // Connections that came in meanwhile go the same way, until the port is closed.
    cutting = setInterval(cut, cutAgainMs);
  }, timeoutMs);
  try {
    await inFlight.untilEnded();
    await server.close();
  } finally {
    clearTimeout(timer);
    clearInterval(cutting);
  }
}

async function keepHouse(services: readonly RunningService[], log: Log): Promise<void> {
  for (const { opened, placed } of services) {
    try {
      await opened.housekeep?.();
    } catch (error) {
      log.warn({ error, service: placed.service.face.name }, 'Housekeeping failed and will be tried again in an hour');
    }
  }
}
