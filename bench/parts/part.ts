import type { BarReading } from '../figures/bars.ts';
import type { LoadGenerator } from '../load/http-load.ts';
import type { Options } from '../options.ts';
import type { Table } from '../report/table.ts';
import type { Stage } from '../stage/stage.ts';

/** Whose chapter it is: each has a page and bars of its own. */
export const suites = ['mexa', 'move-acces', 'sofipo'] as const;
export type Suite = (typeof suites)[number];

/** One chapter of the benchmark. */
export interface Part {
  /** For `--only`. */
  readonly name: string;
  readonly suite: Suite;
  readonly about: string;
  run(bench: Bench): Promise<Section>;
}

/** What a part works with. */
export interface Bench {
  readonly stage: Stage;
  readonly generator: LoadGenerator;
  readonly options: Options;
}

/** What a part has to tell. */
export interface Section {
  readonly title: string;
  /** Paragraphs above the tables. */
  readonly text: readonly string[];
  readonly tables: readonly Table[];
  readonly readings: readonly BarReading[];
  /** Contestants or measurements that could not be had, with the reason. */
  readonly leftOut: readonly string[];
  /** Failures of running or of correctness; any of them fails the whole run. */
  readonly faults: readonly string[];
  /** Everything measured, for `--json`. */
  readonly data: unknown;
}
