import path from 'node:path';
import { loadHttp } from '../load/http-load.ts';
import type { Child, Variables } from '../stage/children.ts';
import { freePort } from '../../platform/src/testing/free-port.ts';
import { until } from '../stage/until.ts';
import type { Stage } from '../stage/stage.ts';
import type { Running, Surroundings } from './contestant.ts';

/** One process of a server, on a port of its own. */
export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  argumentsFor(port: number): readonly string[];
  readonly env: Variables;
  readonly cwd?: string;
}

const startTimeoutMs = 60_000;
const answerTimeoutMs = 5_000;

/** Starts the processes of a server, waits until each answers HTTP, and puts them together. */
export async function startServers(
  surroundings: Surroundings,
  commands: readonly ServerCommand[],
  options: { readonly isDurable: boolean },
): Promise<Running> {
  const { stage } = surroundings;
  const started = await Promise.all(commands.map((command) => startOne(stage, command)));
  return runningServers(
    surroundings,
    started.map(({ child }) => child),
    { ...options, addresses: started.map(({ address }) => address) },
  );
}

/** Processes that answer already, as a contestant. */
export function runningServers(
  { stage, generator }: Surroundings,
  children: readonly Child[],
  { addresses, isDurable }: { readonly addresses: readonly string[]; readonly isDurable: boolean },
): Running {
  return {
    pids: children.map(({ pid }) => pid),
    addresses,
    isDurable,
    load: (order) => loadHttp(stage, generator, addresses, order),
    complaints: () => children.map((child) => child.stderr().trim()).join('\n'),
    rest: () => children.forEach((child) => child.emptyLog()),
    stop: async () => {
      await Promise.all(children.map((child) => child.stop()));
    },
  };
}

async function startOne(stage: Stage, command: ServerCommand): Promise<{ child: Child; address: string }> {
  const port = await freePort();
  const child = stage.children.start(command.command, command.argumentsFor(port), {
    env: { ...command.env, PORT: String(port) },
    logFile: path.join(stage.folder, `${command.name}.log`),
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  });
  const address = `http://127.0.0.1:${port}`;
  await untilAnswers(stage, child, { name: command.name, address });
  return { child, address };
}

async function untilAnswers(
  stage: Stage,
  child: Child,
  { name, address }: { readonly name: string; readonly address: string },
): Promise<void> {
  let hasEnded = false;
  void child.ended.then(() => (hasEnded = true));
  const look = async (): Promise<true | undefined> => {
    if (hasEnded) throw new Error(`${name} ended before it answered: ${child.stderr().trim()}`);
    return (await answers(address)) ? true : undefined;
  };
  await until(`${name} answers`, look, { timeoutMs: startTimeoutMs, signal: stage.signal });
}

/** Any answer will do: without a token most of them refuse. */
async function answers(address: string): Promise<boolean> {
  try {
    const answer = await fetch(`${address}/api/v1/vales`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    await answer.arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
