import type { HttpAnswer } from '@quinta/platform/testing';
import { expect } from 'vitest';

export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly instance: string;
  readonly request_id: string;
  readonly error: string;
  readonly message: string;
  readonly errors?: readonly {
    readonly loc: readonly (string | number)[];
    readonly msg: string;
    readonly type: string;
  }[];
  readonly [member: string]: unknown;
}

/** Asserts that an answer is this problem, whole: RFC 9457's members and those that the earlier clients read. */
export function expectProblem(answer: HttpAnswer, status: number, code: string): ProblemBody {
  expect(answer.text).toContain(`"${code}"`);
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const body = answer.json<ProblemBody>();
  expect(body).toMatchObject({ type: `urn:quinta:problem:${code}`, status, code });
  expect(body.error).toBe(body.title);
  expect(body.message).toBe(body.detail);
  expect(body.request_id).toBe(answer.headers.get('x-request-id'));
  expect(body.instance).toMatch(/^\//);
  return body;
}
