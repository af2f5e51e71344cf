import path from 'node:path';
import type { Running } from '../contestants/contestant.ts';
import { startServers } from '../contestants/http-server.ts';
import { startUvicorns } from '../contestants/uvicorn.ts';
import { copyLoans, grantLoan, rfcOf, usualLoan } from '../lending/loans.ts';
import { cpuMeter, figuresOf } from '../lending/pay.ts';
import { type LendingPlace, openLendingPlace } from '../lending/place.ts';
import { wanted } from '../members/sessions.ts';
import { figureOf, figureRatio, resultNamed, runTurns, type Turn, type TurnResult } from '../members/rounds.ts';
import { medianText, shortNumber, spreadText } from '../figures/numbers.ts';
import { loadHttp } from '../load/http-load.ts';
import { peersFolder } from '../stage/peers.ts';
import { surroundings } from '../stage/quinta.ts';
import type { Bench, Part, Section } from './part.ts';

const connections = 64;
const clients = { full: 5_000, quick: 200 };
/** Reads that fill a cache before anything is measured, few at once. */
const atOnce = 4;

export const lendingReads: Part = {
  name: 'lending-reads',
  suite: 'sofipo',
  about: 'cached reads of a client beside bare node:http, and beside FastAPI with redis-py',
  run: async (bench) => {
    const count = bench.options.isQuick ? clients.quick : clients.full;
    const place = await openLendingPlace(bench.stage, { name: 'lending_reads' });
    const opened: { stop(): Promise<void> }[] = [];
    try {
      await copyLoans(place.database, [await grantLoan(place, usualLoan())], count);
      const paths = Array.from({ length: count }, (_, n) => `/api/v1/clients/${rfcOf(n + 1)}`);
      const bare = await startBare(bench, place, await readOnce(place, place.address, paths[0] ?? ''));
      opened.push(bare);
      // A database of Redis of its own: the same key stands for another text there.
      const env = { REDIS_URL: place.redisUrl.replace(/\/0$/, '/1') };
      const peer = await startUvicorns(bench, { program: 'fastapi_lending', database: place.database, env });
      if (peer.running) opened.push(peer.running);
      const asking = (name: string, title: string, { addresses, pid }: Asked): Turn => ({
        name,
        title,
        measure: (seconds) => read(bench, { place, addresses, ...(pid === undefined ? {} : { pid }), paths, seconds }),
      });
      const turns = [
        asking('bare', 'node:http, the same bytes', bare),
        asking('sofipo', 'SOFIPO, one process', { addresses: [place.address], pid: place.pid }),
        ...(peer.running ? [asking('fastapi', 'FastAPI, redis-py, 2 processes', peer.running)] : []),
      ];
      for (const address of [place.address, ...(peer.running?.addresses.slice(0, 1) ?? [])]) {
        await fill(place, address, paths);
      }
      const results = await runTurns(bench, turns);
      return sectionOf(results, count, peer.reason === undefined ? [] : [`FastAPI: ${peer.reason}`]);
    } finally {
      for (const one of opened) await one.stop();
      await place.close();
    }
  },
};

interface Asked {
  readonly addresses: readonly string[];
  readonly pid?: number;
}

function startBare({ stage, generator }: Bench, { database }: LendingPlace, body: string): Promise<Running> {
  const command = {
    name: 'bare-bytes',
    command: process.execPath,
    argumentsFor: () => [path.join(peersFolder, 'bare-bytes.mjs')],
    env: { ...surroundings(), NODE_ENV: 'production', BODY: body },
  };
  return startServers({ stage, generator, database }, [command], { isDurable: false });
}

async function readOnce({ client }: LendingPlace, address: string, target: string): Promise<string> {
  return wanted(await client.send(`${address}${target}`), 200);
}

async function fill(place: LendingPlace, address: string, paths: readonly string[]): Promise<void> {
  const worker = async (first: number): Promise<void> => {
    for (let at = first; at < paths.length; at += atOnce) await readOnce(place, address, paths[at] ?? '');
  };
  await Promise.all(Array.from({ length: atOnce }, (_, first) => worker(first)));
}

async function read(
  { stage, generator }: Bench,
  asked: Asked & { readonly place: LendingPlace; readonly paths: readonly string[]; readonly seconds: number },
) {
  const { place, addresses, pid, paths, seconds } = asked;
  place.rest();
  const stream = { kind: 'reads', label: 'clients', paths, tokens: [] } as const;
  const used = cpuMeter(stage, pid);
  const load = await loadHttp(stage, generator, addresses, { connections, seconds, stream });
  const { completed, notOk, broken } = load;
  const faults = notOk + broken > 0 ? [`${notOk} of ${completed} answers were no success, ${broken} never came`] : [];
  return { figures: { ...figuresOf(load), nodeUs: used().nodeUs / completed }, faults };
}

function sectionOf(results: readonly TurnResult[], count: number, leftOut: readonly string[]): Section {
  const named = (name: string): TurnResult | undefined => resultNamed(results, name);
  const times = (name: string, reference: string) => figureRatio(named(name), named(reference), 'perSecond');
  return {
    title: 'Cached reads of a client',
    text: [
      `GET /api/v1/clients/{rfc} of ${shortNumber(count)} clients by chance, all of them in Redis, without a token, as the ` +
        `README promises; ${connections} connections. The bare server answers one of these bodies, whatever it is asked. ` +
        'The peer does cache-aside as well, under the same key. SOFIPO also asks Redis whether what is kept is still ' +
        'what was written last.',
    ],
    tables: [
      {
        head: ['what', 'a second', 'times bare', 'times FastAPI', 'p50 ms', 'p99 ms', 'µs of Node'],
        rows: results.map((result) => [
          result.title,
          spreadText(figureOf(result, 'perSecond')),
          result.name === 'bare' ? '' : spreadText(times(result.name, 'bare')),
          result.name === 'sofipo' ? spreadText(times('sofipo', 'fastapi')) : '',
          medianText(figureOf(result, 'p50Ms')),
          spreadText(figureOf(result, 'p99Ms')),
          medianText(figureOf(result, 'nodeUs')),
        ]),
      },
    ],
    readings: [{ bar: 'client-read', measured: times('sofipo', 'bare') }],
    leftOut,
    faults: results.flatMap(({ faults }) => faults),
    data: results,
  };
}
