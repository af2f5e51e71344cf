import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { findLoadGenerator } from './load/http-load.ts';
import type { Options } from './options.ts';
import { parts } from './parts/list.ts';
import { type Bench, type Part, type Section, type Suite, suites } from './parts/part.ts';
import { type Chapter, pageOf, type Report } from './report/page.ts';
import { factsOf, requireDurable } from './stage/machine.ts';
import { openStage } from './stage/stage.ts';

/** Runs the parts that were asked for, one after the other; one that fails is a fault. Throws when it is stopped. */
export async function runBench(
  options: Options,
  { signal, say }: { readonly signal: AbortSignal; readonly say: (line: string) => void },
): Promise<Report> {
  say('starting a private PostgreSQL');
  const stage = await openStage({ signal, say });
  try {
    await requireDurable(stage);
    const generator = await findLoadGenerator(stage);
    const facts = await factsOf(stage, generator);
    const sections: Chapter[] = [];
    for (const part of parts.filter(({ name }) => options.parts.includes(name))) {
      say(`${part.name}: ${part.about}`);
      sections.push({ ...(await tryPart(part, { stage, generator, options })), suite: part.suite });
    }
    const { rounds, seconds, isQuick } = options;
    return { date: new Date(), rounds, seconds, isQuick, facts, sections };
  } finally {
    await stage.close();
  }
}

/** Half an hour of other parts is not lost with one that fails. */
async function tryPart(part: Part, bench: Bench): Promise<Section> {
  try {
    return await part.run(bench);
  } catch (error) {
    bench.stage.signal.throwIfAborted();
    console.error(error);
    const fault = `${part.name}: ${error instanceof Error ? error.message : String(error)}`;
    return {
      title: part.name,
      text: ['It failed.'],
      tables: [],
      readings: [],
      leftOut: [],
      faults: [fault],
      data: null,
    };
  }
}

/** The pages of those suites that have something to say. */
export function pagesOf(report: Report): ReadonlyMap<Suite, string> {
  const measured = suites.filter((suite) => report.sections.some((section) => section.suite === suite));
  return new Map(measured.map((suite) => [suite, pageOf(report, suite)]));
}

/** Writes what was asked for beside the pages on standard output. */
export function writeReport(report: Report, options: Options, folder: string): void {
  if (options.jsonFile !== undefined) {
    writeFileSync(options.jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  if (!options.isWritten) return;
  for (const [suite, page] of pagesOf(report)) writeFileSync(path.join(folder, pageNames[suite]), page);
}

const pageNames: Readonly<Record<Suite, string>> = {
  mexa: 'benchmarks.md',
  'move-acces': 'benchmarks-move-acces.md',
  sofipo: 'benchmarks-sofipo.md',
};
