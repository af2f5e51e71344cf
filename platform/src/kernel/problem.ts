/**
 * The catalogue of what can go wrong and is not our fault: RFC 9457 problems. A service defines its own beside the
 * platform's; each has a stable code, a status, a title and a sentence with placeholders. What is thrown and is no
 * Problem is a bug and becomes a 500 whose text stays in the log.
 */

export interface ProblemDefinition<Fields extends string = string> {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  /** A sentence with `{placeholders}`: what was tried, on what, why not. */
  readonly sentence: string;
  readonly fields: readonly Fields[];
}

/** One thing wrong in the input: where, what, and a stable word for programs. */
export interface FieldFault {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

export interface ProblemExtras {
  readonly errors?: readonly FieldFault[];
  /** Members beside the standard ones, which clients read: `{redeemed_at: …}`. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly errors: readonly FieldFault[] | undefined;
  readonly members: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(definition: ProblemDefinition, detail: string, extras: ProblemExtras = {}) {
    super(detail, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = 'Problem';
    this.code = definition.code;
    this.status = definition.status;
    this.title = definition.title;
    this.errors = extras.errors;
    this.members = extras.members ?? {};
    this.headers = extras.headers ?? {};
  }
}

type Placeholders<Sentence extends string> = Sentence extends `${string}{${infer Field}}${infer Rest}`
  ? Field | Placeholders<Rest>
  : never;

type ProblemArguments<Fields extends string> = [Fields] extends [never]
  ? [values?: Record<string, never>, extras?: ProblemExtras]
  : [values: Record<Fields, string | number>, extras?: ProblemExtras];

/** Makes a problem of one kind; `definition` is what the catalogue page shows. */
export interface ProblemMaker<Fields extends string = string> {
  (...args: ProblemArguments<Fields>): Problem;
  readonly definition: ProblemDefinition<Fields>;
}

/**
 * Defines one kind of problem: `defineProblem('voucher_not_found', 404, 'Not Found', 'There is no voucher {id}.')`.
 * The placeholders of the sentence are the required arguments of the maker.
 */
export function defineProblem<const Sentence extends string>(
  code: string,
  status: number,
  title: string,
  sentence: Sentence,
): ProblemMaker<Placeholders<Sentence>> {
  type Fields = Placeholders<Sentence>;
  const fields = [...sentence.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as Fields);
  const definition: ProblemDefinition<Fields> = { code, status, title, sentence, fields };
  const make = (values?: Record<string, string | number>, extras?: ProblemExtras): Problem =>
    new Problem(definition, fill(sentence, values ?? {}), extras);
  return Object.assign(make as (...args: ProblemArguments<Fields>) => Problem, { definition });
}

function fill(sentence: string, values: Record<string, string | number>): string {
  return sentence.replaceAll(/\{(\w+)\}/g, (_, field: string) => String(values[field] ?? `{${field}}`));
}
