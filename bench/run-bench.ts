import { writeFileSync } from 'node:fs';
import { findLoadGenerator } from './load/http-load.ts';
import type { Options } from './options.ts';
import { parts } from './parts/list.ts';
import type { Bench, Part, Section } from './parts/part.ts';
import { pageOf, type Report } from './report/page.ts';
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
    const sections: Section[] = [];
    for (const part of parts.filter(({ name }) => options.parts.includes(name))) {
      say(`${part.name}: ${part.about}`);
      sections.push(await tryPart(part, { stage, generator, options }));
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

/** Writes what was asked for beside the page on standard output. */
export function writeReport(report: Report, options: Options, pageFile: string): void {
  if (options.jsonFile !== undefined) {
    writeFileSync(options.jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  if (options.isWritten) writeFileSync(pageFile, pageOf(report));
}
