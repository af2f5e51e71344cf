import { dirname } from 'node:path';

import { expect, it } from 'vitest';

import { runSteps, type Step } from './step.ts';

function step(name: string, code: string): Step {
  return { name, about: '', command: process.execPath, args: ['-e', code] };
}

async function outcomes(steps: readonly Step[], width = 2): Promise<ReadonlyMap<string, readonly [boolean, string]>> {
  const results = await runSteps(steps, width, () => undefined);
  return new Map(results.map((result) => [result.step.name, [result.isGood, result.output]]));
}

it('tells good steps from failed ones and keeps what both streams said', async () => {
  const found = await outcomes([
    step('good', 'console.log("fine")'),
    step('bad', 'console.log("one"); console.error("two"); process.exitCode = 3;'),
    step('killed', 'process.kill(process.pid, "SIGKILL")'),
    { name: 'absent', about: '', command: '/nowhere/no-such-tool', args: [] },
  ]);
  expect(found.get('good')).toEqual([true, 'fine']);
  expect(found.get('bad')?.[0]).toBe(false);
  expect(found.get('bad')?.[1].split('\n').toSorted()).toEqual(['one', 'two']);
  expect(found.get('killed')).toEqual([false, expect.stringContaining('SIGKILL')]);
  expect(found.get('absent')).toEqual([false, expect.stringContaining('ENOENT')]);
});

it('reports each step as it ends, and runs every one whatever the others do', async () => {
  const reported: string[] = [];
  const steps = ['a', 'b', 'c', 'd', 'e'].map((name) => step(name, 'process.exit(1)'));
  const results = await runSteps(steps, 2, (result) => reported.push(result.step.name));
  expect(reported.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(results.map((result) => result.step.name)).toEqual(reported);
});

it('runs no more than so many at once', async () => {
  const order: string[] = [];
  const steps = ['slow', 'quick'].map((name) => step(name, name === 'slow' ? 'for (let i = 0; i < 1e8; i++);' : ''));
  await runSteps(steps, 1, (result) => order.push(result.step.name));
  expect(order).toEqual(['slow', 'quick']);
});

it('lets a step find this Node first', async () => {
  const found = await outcomes([step('path', 'console.log(process.env.PATH.split(":")[0])')]);
  expect(found.get('path')).toEqual([true, dirname(process.execPath)]);
});

it('asks a step for no input', async () => {
  const found = await outcomes([
    step('input', 'process.stdin.on("data", () => {}).on("end", () => console.log("end"))'),
  ]);
  expect(found.get('input')).toEqual([true, 'end']);
});
