import cluster, { type Worker } from 'node:cluster';
import { CommandFailed, explain } from './explain.ts';
import { say } from './surroundings.ts';
import type { WorkerMessage } from './worker.ts';

export interface WorkersRequest {
  readonly count: number;
  readonly argv: readonly string[];
}

/** Workers that listen; one that dies is replaced. */
export interface Workers {
  readonly address: string;
  stop(timeoutMs: number): Promise<void>;
}

const restartPauseMinMs = 100;
const restartPauseMaxMs = 10_000;
const killAfterMs = 2_000;

/**
 * Forks workers and waits until all listen. A worker that dies later is replaced, after a pause that doubles while its
 * successors die young; one that cannot start at first ends them all.
 * @throws CommandFailed with what the first failing worker said
 */
export async function superviseWorkers({ count, argv }: WorkersRequest): Promise<Workers> {
  cluster.setupPrimary({ args: [...argv] });
  let isStopping = false;
  let pauseMs = restartPauseMinMs;

  const replaceWhenGone = (worker: Worker): void => {
    worker.once('exit', (code, signal) => {
      if (isStopping) return;
      say(
        `Worker ${worker.id} (process ${worker.process.pid}) ended with ${signal ?? `status ${code}`}: another takes its place`,
      );
      setTimeout(() => void replace(), pauseMs);
      pauseMs = Math.min(pauseMs * 2, restartPauseMaxMs);
    });
  };
  const replace = async (): Promise<void> => {
    if (isStopping) return;
    const worker = cluster.fork();
    replaceWhenGone(worker);
    try {
      await untilListening(worker);
      pauseMs = restartPauseMinMs;
    } catch (error) {
      // Its end brings the next one, after a longer pause.
      if (!isStopping) for (const line of explain(error)) say(line);
    }
  };

  const stop = async (timeoutMs: number): Promise<void> => {
    isStopping = true;
    const alive = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    await Promise.all(alive.map((worker) => endWorker(worker, timeoutMs)));
  };

  const first = Array.from({ length: count }, () => cluster.fork());
  try {
    const [address = ''] = await Promise.all(first.map(untilListening));
    first.forEach(replaceWhenGone);
    return { address, stop };
  } catch (error) {
    await stop(killAfterMs);
    throw error;
  }
}

/** Resolves to the address once the worker listens; rejects when it says that it cannot, or dies. */
function untilListening(worker: Worker): Promise<string> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: unknown) => {
      if (!isWorkerMessage(message)) return;
      if (message.quinta === 'listening') resolve(message.address);
      else reject(new CommandFailed(message.lines.join('\n'), { exitStatus: message.exitStatus }));
    });
    worker.once('exit', (code, signal) =>
      reject(new CommandFailed(`A worker ended with ${signal ?? `status ${code}`}`)),
    );
  });
}

async function endWorker(worker: Worker, timeoutMs: number): Promise<void> {
  if (worker.isDead()) return;
  const gone = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  worker.process.kill('SIGTERM');
  const timer = setTimeout(() => worker.process.kill('SIGKILL'), timeoutMs + killAfterMs);
  await gone;
  clearTimeout(timer);
}

/** Limits and metrics use the same pipe, with names of their own in `quinta`. */
function isWorkerMessage(message: unknown): message is WorkerMessage {
  if (typeof message !== 'object' || message === null || !('quinta' in message)) return false;
  return message.quinta === 'listening' || message.quinta === 'failed';
}
