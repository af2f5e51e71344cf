import { type PgbenchScript, runPgbench } from '../load/pgbench.ts';
import { surroundings } from '../stage/quinta.ts';
import type { Contestant, Running, Surroundings } from './contestant.ts';

/** How many clients pgbench has: where its rate stands highest on two cores, and what the bar names. */
export const pgbenchClients = 16;

/** PostgreSQL's own benchmark on the same tables: what the database can do without anybody in front of it. */
export const pgbenches: readonly Contestant[] = [
  pgbench('pgbench', 'transaction', 'pgbench, transaction of four, 16 clients', 4),
  pgbench('pgbench-one', 'one-statement', 'pgbench, one statement, 16 clients', 1),
];

function pgbench(name: string, script: PgbenchScript, title: string, statements: number): Contestant {
  return {
    name,
    title,
    statements,
    reasonAgainst: async ({ children }) => {
      try {
        await children.run('pgbench', ['--version'], { env: surroundings(), timeoutMs: 10_000 });
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
    start: (given) => Promise.resolve(running(given, script)),
  };
}

function running({ stage, database }: Surroundings, script: PgbenchScript): Running {
  return {
    pids: [],
    addresses: [],
    isDurable: true,
    load: ({ seconds }) => runPgbench(stage, database, { script, clients: pgbenchClients, until: { seconds } }),
    complaints: () => '',
    rest: () => undefined,
    stop: () => Promise.resolve(),
  };
}
