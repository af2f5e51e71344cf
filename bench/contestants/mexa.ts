import path from 'node:path';
import { mainScript, quintaVariables } from '../stage/quinta.ts';
import { untilServing } from '../stage/serving.ts';
import type { Contestant, Running, SetCount, Surroundings } from './contestant.ts';
import { runningServers } from './http-server.ts';

const metricsTimeoutMs = 10_000;

export interface MexaOptions {
  readonly name?: string;
  readonly title?: string;
  readonly workers?: number;
  readonly isSealing?: boolean;
}

/** MEXA as its users run it: `quinta start mexa`, in production, with nothing tuned. */
export function mexaContestant(options: MexaOptions = {}): Contestant {
  const { name = 'mexa', workers = 1 } = options;
  return {
    name,
    title: options.title ?? (workers === 1 ? 'MEXA' : `MEXA, ${workers} processes`),
    reasonAgainst: () => Promise.resolve(undefined),
    start: (surroundings) => startMexa(surroundings, { name, workers, isSealing: options.isSealing ?? true }),
  };
}

async function startMexa(
  surroundings: Surroundings,
  { name, workers, isSealing }: { readonly name: string; readonly workers: number; readonly isSealing: boolean },
): Promise<Running> {
  const { stage, database } = surroundings;
  const words = ['start', 'mexa', ...(workers > 1 ? ['--workers', String(workers)] : [])];
  const env = quintaVariables({ folder: stage.folder, urls: database, secret: stage.jwt.secret });
  const child = stage.children.start(process.execPath, [mainScript, ...words], {
    env: { ...env, ...(isSealing ? {} : { AUDIT_SEALING: 'false' }) },
    logFile: path.join(stage.folder, `${name}.log`),
  });
  const address = await untilServing(stage, child, 'MEXA');
  return {
    ...runningServers(surroundings, [child], { addresses: [address], isDurable: true }),
    readSets: async () => parseSets(await metricsOf(address)),
    readStatuses: async () => parseStatuses(await metricsOf(address)),
    ...(isSealing ? { readUnsealed: async () => parseUnsealed(await metricsOf(address)) } : {}),
  };
}

async function metricsOf(address: string): Promise<string> {
  const answer = await fetch(new URL('/metrics', address), { signal: AbortSignal.timeout(metricsTimeoutMs) });
  if (!answer.ok) throw new Error(`/metrics of MEXA answered ${answer.status}`);
  return answer.text();
}

interface Sample {
  readonly labels: string;
  readonly value: number;
}

/** The lines of one metric in Prometheus text. */
function samplesOf(metrics: string, name: string): readonly Sample[] {
  return [...metrics.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))].map(([, labels = '', value]) => ({
    labels,
    value: Number(value),
  }));
}

function sumOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { value }) => sum + value, 0);
}

/** The sets of drawing so far. */
export function parseSets(metrics: string): SetCount {
  const ofIssue = (suffix: string): number =>
    sumOf(
      samplesOf(metrics, `quinta_set_commands_${suffix}`).filter(({ labels }) =>
        labels.includes('operation="vale.issue"'),
      ),
    );
  return { commands: ofIssue('sum'), sets: ofIssue('count') };
}

/** Audit rows that are not sealed yet; 0 of a MEXA that does not seal. */
export function parseUnsealed(metrics: string): number {
  return sumOf(samplesOf(metrics, 'quinta_audit_unsealed_rows'));
}

/** Answers so far by their status. */
export function parseStatuses(metrics: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { labels, value } of samplesOf(metrics, 'quinta_http_requests_total')) {
    const [, status = ''] = /status="(\d+)"/.exec(labels) ?? [];
    counts.set(status, (counts.get(status) ?? 0) + value);
  }
  return counts;
}
