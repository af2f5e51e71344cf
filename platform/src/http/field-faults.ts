import type { z } from 'zod';
import type { FieldFault } from '../kernel/index.ts';

/** Where in a request a schema applies, as clients read it in `errors[].loc`. */
export type InputPart = 'path' | 'query' | 'body' | 'header';

const faultsMax = 50;
const shownLengthMax = 60;
const secretName = /password|token|secret|authorization/i;

/** Zod's issues as RFC 9457 `errors`: where, what was given, what is expected. */
export function fieldFaults(part: InputPart, issues: readonly z.core.$ZodIssue[], input: unknown): FieldFault[] {
  return issues.slice(0, faultsMax).flatMap((issue) => {
    const path = issue.path.map((key) => (typeof key === 'symbol' ? key.toString() : key));
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.slice(0, faultsMax).map((key) => ({
        loc: [part, ...path, key.slice(0, shownLengthMax)],
        msg: 'There is no such field',
        type: 'unrecognized_keys',
      }));
    }
    return [{ loc: [part, ...path], msg: `${issue.message}${givenText(path, input)}`, type: faultType(issue) }];
  });
}

/** One line for `detail`: the first fault, and how many more there are. */
export function summaryOf(faults: readonly FieldFault[]): string {
  const [first] = faults;
  if (!first) return 'no field was named';
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return `${first.loc.join('.')}: ${first.msg}${more}`;
}

function faultType(issue: z.core.$ZodIssue): string {
  const params: unknown = issue.code === 'custom' ? issue.params?.['type'] : undefined;
  return typeof params === 'string' ? params : issue.code;
}

/** What was sent, where it is short and no secret. */
function givenText(path: readonly (string | number)[], input: unknown): string {
  if (path.some((key) => typeof key === 'string' && secretName.test(key))) return '';
  const value = path.reduce<unknown>(
    (holder, key) => (typeof holder === 'object' && holder !== null ? Reflect.get(holder, key) : undefined),
    input,
  );
  if (typeof value === 'number' || typeof value === 'boolean') return `, got ${value}`;
  return typeof value === 'string' && value.length <= shownLengthMax ? `, got ${JSON.stringify(value)}` : '';
}
