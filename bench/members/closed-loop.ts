import { percentileOf } from '../figures/statistics.ts';
import { TurnedAway } from './sessions.ts';

/** What a measurement of a while has found. */
export interface LoopResult {
  readonly completed: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests that the server was too busy for, as it may be. */
  readonly turnedAwayPerSecond: number;
  /** Answers that were not the wanted one, and what the first of them was. */
  readonly faults: readonly string[];
}

export interface Loop {
  readonly connections: number;
  readonly seconds: number;
  /** One request of a connection, 0 and up. Rejects where its answer is not the wanted one, by `TurnedAway` where nothing is wrong. */
  readonly ask: (connection: number) => Promise<void>;
}

/** Connections that each wait for an answer before they ask again, for so long; what is under way at the end counts. */
export async function closedLoop({ connections, seconds, ask }: Loop): Promise<LoopResult> {
  const [times, failures]: [number[], unknown[]] = [[], []];
  let turnedAway = 0;
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1_000;
  const client = async (connection: number): Promise<void> => {
    while (performance.now() < endMs) {
      const askedMs = performance.now();
      try {
        await ask(connection);
        times.push(performance.now() - askedMs);
      } catch (error) {
        if (error instanceof TurnedAway) turnedAway += 1;
        else failures.push(error);
        if (failures.length > failuresMax) return;
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, connection) => client(connection)));
  const [first] = failures;
  const took = (performance.now() - startedMs) / 1_000;
  const reason = first instanceof Error ? first.message : String(first);
  return {
    completed: times.length,
    perSecond: times.length / took,
    turnedAwayPerSecond: turnedAway / took,
    p50Ms: percentileOf(times, 0.5),
    p99Ms: percentileOf(times, 0.99),
    faults: failures.length === 0 ? [] : [`${failures.length} of ${failures.length + times.length}: ${reason}`],
  };
}

/** A server that is down answers fast: nobody asks it for ever. */
const failuresMax = 1_000;
