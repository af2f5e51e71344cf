import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CommandFolder, type CommandRun, makeCommandFolder } from '../platform/src/testing/command-folder.ts';
import { rabbitMqProgram } from '../platform/src/messaging/test/private-rabbitmq.ts';
import { deckSize } from './plan.ts';

const main = path.join(import.meta.dirname, 'main.ts');
const patience = { timeout: 150_000, interval: 50 };
const runTimeoutMs = 400_000;
/** Which faults come when; QUINTA_TEST_SEED repeats a run. */
const seed = Number(process.env['QUINTA_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const rabbit = rabbitMqProgram();
let place: CommandFolder;

beforeEach(() => {
  place = makeCommandFolder('quinta-chaos-test-');
});
afterEach(() => place.remove());

const run = (...args: string[]): CommandRun => place.run(main, args);

async function expectNothingLeft(): Promise<void> {
  // The port mapper of RabbitMQ takes a moment to end.
  await vi.waitFor(() => expect(place.leftProcesses()).toEqual([]), patience);
  expect(readdirSync(place.folder)).toEqual([]);
}

describe('npm run chaos', () => {
  it.skipIf(rabbit.unreachable !== undefined)(
    `loses nothing with a fault of every kind on RabbitMQ, documents, workers and API (QUINTA_TEST_SEED=${seed})`,
    async () => {
      const args = ['--kills', String(deckSize), '--seconds', '20', '--seed', String(seed), '--broker', 'rabbitmq'];
      const { status, stdout, stderr } = await run(...args).ended;
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout, stderr });
      expect(stdout).toContain(`${deckSize} faults`);
      expect(stdout).toMatch(/^broker +2 +- +1 +1 +1$/m);
      expect(stdout).toMatch(/^confirmed +\d+ clients, \d+ loans, [1-9]\d+ payments$/m);
      expect(stdout).toMatch(/^lost +0$/m);
      await expectNothingLeft();
    },
    runTimeoutMs,
  );

  it(
    `nor with queues in the database (QUINTA_TEST_SEED=${seed})`,
    async () => {
      const args = ['--kills', '6', '--seconds', '12', '--seed', String(seed), '--broker', 'database'];
      const { status, stdout, stderr } = await run(...args).ended;
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout, stderr });
      expect(stdout).toMatch(/^lost +0$/m);
      await expectNothingLeft();
    },
    runTimeoutMs,
  );

  it(
    'stops on SIGINT while parts are killed, and ends what it has started',
    async () => {
      const running = run('--kills', '100', '--seconds', '100');
      await vi.waitFor(() => expect(running.stderr()).toContain('2/100'), patience);
      process.kill(running.pid, 'SIGINT');
      const { status, stderr } = await running.ended;
      expect({ status, stderr }).toEqual({ status: 130, stderr });
      expect(stderr).toContain('Stopped');
      await expectNothingLeft();
    },
    runTimeoutMs,
  );

  it.each([
    [['--help'], 0, 'npm run chaos'],
    [['--kills', 'many'], 2, '--kills is "many"'],
    [['--broker', 'kafka'], 2, '--broker is "kafka"'],
  ])('%j ends at once', async (args, expected, said) => {
    const { status, stdout, stderr } = await run(...args).ended;
    expect(status).toBe(expected);
    expect(stdout + stderr).toContain(said);
  });
});
