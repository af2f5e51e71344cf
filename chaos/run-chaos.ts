import { setTimeout as pause } from 'node:timers/promises';
import { query } from '../bench/stage/sql.ts';
import { acknowledgedFaults, keptRows } from './checks/acknowledged.ts';
import { commandFaults } from './checks/commands.ts';
import { documentFaults, type OutboxEvent } from './checks/documents.ts';
import { type Load, startLoad } from './load/load.ts';
import type { Options } from './options.ts';
import { Lane, type Part } from './parts/part.ts';
import { type Fault, planFaults } from './plan.ts';
import { untilQuiet } from './quiet.ts';
import type { Report } from './report.ts';
import { openWorld, type World } from './world.ts';

interface Run {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Starts everything, works, breaks, mends, and looks at what became of it. Throws when it is stopped. */
export async function runChaos(options: Options, run: Run): Promise<Report> {
  const { signal, say } = run;
  const world = await openWorld({ options, ...run });
  try {
    const startedMs = performance.now();
    const load = await startLoad({ baseUrl: world.apiUrl, rate: options.rate, admin: world.admin, signal });
    const { kills: count, seed, seconds, broker } = options;
    const plan = planFaults({ seed, count, seconds, hasBroker: broker === 'rabbitmq' });
    await injectAll(plan, world, { run, load });
    say('every part is back; the last clients are served');
    await load.finish();
    const loadMs = performance.now() - startedMs;
    say('waiting until nothing moves any more');
    const quietFromMs = performance.now();
    const written = await untilQuiet(world, signal);
    const quietMs = performance.now() - quietFromMs;
    say('comparing documents with events, and the database with what was confirmed');
    const events = await query<OutboxEvent>(world.sql, eventsInOrder);
    const lost = [
      ...documentFaults(events, written),
      ...acknowledgedFaults(await keptRows(world.sql), load.made),
      ...load.made.faults,
      ...world.ownEnds,
      ...(await commandFaults(world)),
    ];
    const { clients, loans, payments } = load.made;
    return {
      options,
      plan,
      ...load.counts(),
      made: { clients: clients.length, loans: loans.size, payments: payments.size },
      events: events.length,
      documents: written.length,
      keys: new Set(events.map(({ order_key: key }) => key)).size,
      writtenAgain: world.documents.conflicts(),
      loadMs,
      quietMs,
      lost,
    };
  } finally {
    await world.close();
  }
}

const eventsInOrder = `
  select id::text, event_type, entity_id, order_key, payload::json as payload, occurred_at, version, request_id::text
    from outbox order by position`;

/** Each fault at its time, or as soon as the one before it on the same part is over; resolves when every part is back. */
async function injectAll(
  plan: readonly Fault[],
  world: World,
  { run: { signal, say }, load }: { readonly run: Run; readonly load: Load },
): Promise<void> {
  const startMs = performance.now();
  const lanes = new Map(world.parts.map((part) => [part.name, { part, lane: new Lane() }]));
  let done = 0;
  const inject = async (part: Part, { kind, lastsMs }: Fault): Promise<void> => {
    const fromMs = performance.now();
    await part.inject(kind, lastsMs);
    done += 1;
    const backAfter = ((performance.now() - fromMs) / 1_000).toFixed(1);
    const { answered } = load.counts();
    say(`${done}/${plan.length}  ${part.name}: ${kind}, back after ${backAfter} s; ${answered} requests answered`);
  };
  const running: Promise<void>[] = [];
  const failed = new AbortController();
  for (const fault of plan) {
    const restMs = startMs + fault.atMs - performance.now();
    await pause(Math.max(restMs, 0), undefined, { signal: AbortSignal.any([signal, failed.signal]) });
    const aim = lanes.get(fault.part);
    if (!aim) throw new Error(`There is no part ${fault.part}`);
    const one = aim.lane.run(() => inject(aim.part, fault));
    one.catch((error: unknown) => failed.abort(error)); // it is told below; here it ends the waiting
    running.push(one);
  }
  await Promise.all(running);
}
