import type { Options } from './options.ts';
import { type Fault, faultKinds, partNames } from './plan.ts';

/** What was done to the system, and what became of it. */
export interface Report {
  readonly options: Options;
  readonly plan: readonly Fault[];
  readonly answered: number;
  readonly retries: number;
  readonly made: { readonly clients: number; readonly loans: number; readonly payments: number };
  readonly events: number;
  readonly documents: number;
  /** Loans and clients, for each of which order is kept. */
  readonly keys: number;
  /** Documents that came again though they were there. */
  readonly writtenAgain: number;
  readonly loadMs: number;
  readonly quietMs: number;
  /** One sentence each. */
  readonly lost: readonly string[];
}

const shownMax = 50;

export function summaryOf(report: Report): string {
  const { options, plan, made, lost } = report;
  const { answered, retries, events, documents, keys, writtenAgain } = report;
  return [
    `Chaos of SOFIPO: ${plan.length} faults in ${seconds(report.loadMs)}, seed ${options.seed}`,
    '',
    ...tableOf(plan),
    '',
    `requests    ${answered} answered, ${retries} sent again`,
    `confirmed   ${made.clients} clients, ${made.loans} loans, ${made.payments} payments`,
    `events      ${events}, of ${keys} clients and loans`,
    `documents   ${documents}; ${writtenAgain} came again and were kept once; quiet after ${seconds(report.quietMs)}`,
    `lost        ${lost.length}`,
    ...lost.slice(0, shownMax).map((one) => `  ${one}`),
    ...(lost.length > shownMax ? [`  and ${lost.length - shownMax} more`] : []),
  ].join('\n');
}

function seconds(durationMs: number): string {
  return `${Math.round(durationMs / 1_000)} s`;
}

function tableOf(plan: readonly Fault[]): readonly string[] {
  const countOf = (part: string, kind: string): number =>
    plan.filter((fault) => fault.part === part && fault.kind === kind).length;
  return [
    row('', faultKinds),
    ...partNames.map((part) =>
      row(
        part,
        faultKinds.map((kind) => countOf(part, kind) || '-'),
      ),
    ),
  ];
}

function row(name: string, cells: readonly (string | number)[]): string {
  return name.padEnd(12) + cells.map((cell) => String(cell).padStart(7)).join('');
}
