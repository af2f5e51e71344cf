import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';

/** One part of the gate: a command whose exit code says whether the house is in order. */
export interface Step {
  readonly name: string;
  /** What it looks at, for `--help`. */
  readonly about: string;
  readonly command: string;
  readonly args: readonly string[];
}

export interface StepResult {
  readonly step: Step;
  readonly isGood: boolean;
  readonly durationMs: number;
  /** What it printed, both streams as they came, at most the last megabyte. */
  readonly output: string;
}

const stepTimeoutMs = 300_000;
const outputLengthMax = 1_000_000;

/**
 * Runs the steps in their order, `width` at a time, and calls `onResult` as each ends. A step that does not start,
 * is killed, or takes longer than five minutes has failed.
 */
export async function runSteps(
  steps: readonly Step[],
  width: number,
  onResult: (result: StepResult) => void,
): Promise<readonly StepResult[]> {
  const waiting = [...steps];
  const results: StepResult[] = [];
  const lane = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const result = await runStep(step);
      results.push(result);
      onResult(result);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
}

function runStep(step: Step): Promise<StepResult> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    let output = '';
    const add = (chunk: Buffer | string): void => {
      output = (output + String(chunk)).slice(-outputLengthMax);
    };
    const end = (isGood: boolean): void =>
      resolve({ step, isGood, durationMs: performance.now() - startedAt, output: output.trim() });
    const child = spawn(step.command, step.args, {
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: stepTimeoutMs,
      killSignal: 'SIGKILL',
    });
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.once('error', (error) => {
      add(error.message);
      end(false);
    });
    child.once('close', (code, signal) => {
      if (signal !== null) add(`\nended by ${signal} (a step has ${stepTimeoutMs / 1000} s)`);
      end(code === 0);
    });
  });
}

/** The tools of the checkout start with `#!/usr/bin/env node`: this Node must be the first that is found. */
function environment(): NodeJS.ProcessEnv {
  const path = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
  return { ...process.env, PATH: path, NPM_CONFIG_LOGLEVEL: 'error' };
}

/** A command that a package of the checkout brings. */
export function binOf(root: string, name: string): string {
  return join(root, 'node_modules', '.bin', name);
}
