import { type BarReading, bars, verdictOf } from '../figures/bars.ts';
import { shortNumber, spreadText } from '../figures/numbers.ts';
import type { Section, Suite } from '../parts/part.ts';
import { type Table, tableText } from './table.ts';

/** Everything that one run has to say. */
export interface Report {
  readonly date: Date;
  readonly rounds: number;
  readonly seconds: number;
  readonly isQuick: boolean;
  /** Facts of the machine and the software, as pairs of name and value. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly sections: readonly Chapter[];
}

/** What a part had to say, and whose it is. */
export interface Chapter extends Section {
  readonly suite: Suite;
}

/** What a suite has to say, as a page of Markdown. */
export function pageOf(whole: Report, suite: Suite): string {
  const report = { ...whole, sections: whole.sections.filter((section) => section.suite === suite) };
  const leftOut = report.sections.flatMap((section) => section.leftOut);
  const faults = report.sections.flatMap((section) => section.faults);
  const parts = [
    titles[suite],
    introduction(report),
    ...listUnder('## Faults', faults),
    '## Bars',
    tableText(
      barTable(
        suite,
        report.sections.flatMap((section) => section.readings),
      ),
    ),
    ...remarksOf(report.sections.flatMap((section) => section.readings)),
    ...report.sections.flatMap(sectionParts),
    ...listUnder('## Left out', leftOut),
    '## Where it ran',
    tableText({ head: ['what', 'value'], rows: report.facts }),
    [howToRead, ...(suite === 'mexa' ? [howMexaIsMeasured] : []), cpuTime].join('\n\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}

function introduction({ date, rounds, seconds, isQuick }: Report): string {
  const day = date.toISOString().slice(0, 10);
  const warning = isQuick ? ' A quick run shows that everything works; its figures mean little.' : '';
  return (
    `Written by \`npm run bench\` on ${day}; do not edit. Medians of ${shortNumber(rounds)} interleaved rounds of ` +
    `${shortNumber(seconds)} s, in brackets the least and the most.${warning}`
  );
}

function barTable(suite: Suite, readings: readonly BarReading[]): Table {
  return {
    head: ['bar', 'asked', 'measured', 'verdict'],
    rows: bars
      .filter((bar) => bar.suite === suite)
      .map((bar) => {
        const reading = readings.find((one) => one.bar === bar.name);
        const asked = `${bar.sense} ${shortNumber(bar.asked)} ${bar.unit}`;
        return [bar.about, asked, spreadText(reading?.measured), verdictOf(bar, reading)];
      }),
  };
}

function remarksOf(readings: readonly BarReading[]): string[] {
  const remarks = readings.flatMap(({ bar, remark }) => {
    const about = bars.find(({ name }) => name === bar)?.about ?? bar;
    return remark === undefined ? [] : [`- ${about}: ${remark}`];
  });
  return remarks.length === 0 ? [] : [remarks.join('\n')];
}

function sectionParts({ title, text, tables }: Section): string[] {
  return [`## ${title}`, ...text, ...tables.map(tableText)];
}

function listUnder(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [heading, lines.map((line) => `- ${line.replaceAll('\n', ' ')}`).join('\n')];
}

const titles: Readonly<Record<Suite, string>> = {
  mexa: '# Benchmarks',
  'move-acces': '# Benchmarks of Move Acces',
  sofipo: '# Benchmarks of SOFIPO',
};

const howToRead = `## How to read it

Read the ratios. A figure a second is of one machine on one day and stands beside its reference, which ran in the same
minute on the same disk; another machine shifts both. All contestants share the cores with PostgreSQL and with the
program that sends the requests, as a small server does, so what saves CPU anywhere shows as throughput.`;

const howMexaIsMeasured = `Every contestant runs on a copy of the same database, over the Unix socket, from empty tables on, with PostgreSQL's own
defaults and durable commits. A checkpoint is written before each measurement. The rounds are interleaved and begin with
another contestant each time; a ratio is taken round by round. After each measurement the vouchers are counted: every
one that was acknowledged is there, each with exactly one audit row, or the run has failed. Before it, each contestant
has shown that it gives MEXA's answers, right and wrong, and writes MEXA's rows. The peers are small programs in their
frameworks' usual style (\`bench/peers\`); they check a token each time, MEXA remembers the ones it has checked.`;

const cpuTime = `CPU time is that of the whole process tree, from /proc; pgbench's own is left out. \`npm run bench -- --help\` says how
to measure again.`;
