import type { LoadGenerator, LoadOrder, LoadResult } from '../load/http-load.ts';
import type { BenchDatabase, Stage } from '../stage/stage.ts';

/** One of those that do the same work on the same PostgreSQL. */
export interface Contestant {
  /** For `--only`, and to name its database. */
  readonly name: string;
  readonly title: string;
  /** Statements a voucher where its code says so; MEXA's are counted. */
  readonly statements?: number;
  /** Why it cannot run here, in words; undefined where it can. */
  reasonAgainst(stage: Stage): Promise<string | undefined>;
  start(surroundings: Surroundings): Promise<Running>;
}

export interface Surroundings {
  readonly stage: Stage;
  readonly generator: LoadGenerator;
  /** Undefined for one that needs none. */
  readonly database: BenchDatabase;
}

/** A contestant at work. */
export interface Running {
  /** Roots of its processes; none where its own CPU time is not of interest. */
  readonly pids: readonly number[];
  /** Where it answers; empty for one without HTTP. */
  readonly addresses: readonly string[];
  /** Whether vouchers reach the database: the ceiling only pretends. */
  readonly isDurable: boolean;
  load(order: LoadOrder): Promise<LoadResult>;
  /** Commands and statements of its sets so far, where it counts them. */
  readSets?(): Promise<SetCount>;
  /** How many audit rows still wait to be sealed, where it seals: what is left for later is not free. */
  readUnsealed?(): Promise<number>;
  /** How many answers of each status it has given so far, where it counts them. */
  readStatuses?(): Promise<ReadonlyMap<string, number>>;
  /** What its processes have said on standard error, for the report of a fault. */
  complaints(): string;
  /** Between two measurements: what grows without end is emptied. */
  rest(): void;
  stop(): Promise<void>;
}

export interface SetCount {
  readonly commands: number;
  readonly sets: number;
}
