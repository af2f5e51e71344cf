import { summaryOf, fieldFaults, validationFailed } from '@quinta/platform/http';
import type { Context, FieldFault } from '@quinta/platform/kernel';
import { z } from 'zod';
import type { Mexa } from '../app.ts';
import { drawKey, type IssueOutcome, issueVales } from './issue-vales.ts';
import { batchSizeMax, issueInput, valeOutput } from './vale.ts';

/** Each item is parsed alone, so that one bad voucher does not refuse the others. */
export const batchInput = z.strictObject({
  vales: z
    .array(z.unknown().meta({ ...z.toJSONSchema(issueInput, { io: 'input' }), $schema: undefined }))
    .min(1)
    .max(batchSizeMax),
});

const problemOutput = z.object({
  status: z.int(),
  code: z.string(),
  title: z.string(),
  detail: z.string(),
  errors: z
    .array(z.object({ loc: z.array(z.union([z.string(), z.int()])), msg: z.string(), type: z.string() }))
    .optional(),
});

export const batchOutput = z.object({
  issued: z.int(),
  replayed: z.int(),
  refused: z.int(),
  results: z.array(
    z.object({
      index: z.int(),
      status: z.int().meta({ description: '201 drawn, 200 drawn before with the same key, else the refusal' }),
      vale: valeOutput.nullable(),
      problem: problemOutput.nullable(),
    }),
  ),
});

type BatchResult = z.output<typeof batchOutput>;

/** Draws what can be drawn of a batch in one statement, and says of each item what became of it. */
export async function issueBatch(
  app: Mexa,
  context: Context,
  items: readonly unknown[],
  idempotencyKey: string | undefined,
): Promise<BatchResult> {
  const parsed = items.map((item) => issueInput.safeParse(item));
  const good = parsed.flatMap((result, index) => (result.success ? [{ index, input: result.data }] : []));
  const draws = good.map(({ index, input }) => ({ input, key: drawKey(context, input, idempotencyKey, index) }));
  const outcomes = await issueVales(app, context, draws);
  const byIndex = new Map(good.map(({ index }, place) => [index, outcomes[place]]));
  const results = parsed.map((result, index) => {
    const outcome = byIndex.get(index) ?? refusedInput(items[index], result.error?.issues ?? []);
    return resultOf(index, outcome);
  });
  const count = (wanted: number): number => results.filter(({ status }) => status === wanted).length;
  const [issued, replayed] = [count(201), count(200)];
  return { issued, replayed, refused: results.length - issued - replayed, results };
}

function resultOf(index: number, outcome: IssueOutcome): BatchResult['results'][number] {
  if (outcome.kind !== 'refused') {
    return { index, status: outcome.kind === 'issued' ? 201 : 200, vale: outcome.vale, problem: null };
  }
  const { status, code, title, message: detail, errors } = outcome.problem;
  const faults = errors?.map((fault) => ({ ...fault, loc: ['body', 'vales', index, ...fault.loc.slice(1)] }));
  return { index, status, vale: null, problem: { status, code, title, detail, ...(faults ? { errors: faults } : {}) } };
}

function refusedInput(item: unknown, issues: readonly z.core.$ZodIssue[]): IssueOutcome {
  const errors: FieldFault[] = fieldFaults('body', issues, item);
  return { kind: 'refused', problem: validationFailed({ summary: summaryOf(errors) }, { errors }) };
}
