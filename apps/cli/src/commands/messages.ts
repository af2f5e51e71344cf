import type { Command } from 'commander';
import { openDatabase } from '@quinta/platform/database';
import { BrokerUnavailable, type DeadLetter, listJobs, type Messaging, outboxLag } from '@quinta/platform/messaging';
import type { AnyService, RunningService } from '@quinta/platform/service';
import { CommandFailed } from '../explain.ts';
import { withOpenServices } from '../open-services.ts';
import { serviceNamed, UsageError } from '../services.ts';
import { print, printJson } from '../surroundings.ts';

/** The most of one page. */
const limitMax = 1_000;
const reachMs = 5_000;
const reachEveryMs = 50;

/** @param find where services are looked up; another in a test */
export function addMessagesCommands(program: Command, find: (name: string) => AnyService = serviceNamed): void {
  const messages = program.command('messages').description('What a service sends, hears and does later').exitOverride();
  messages
    .command('status <service>')
    .description('what waits in the outbox, the dead letters of each queue, the broker, and the jobs that are dead')
    .option('--json', 'JSON')
    .exitOverride()
    .action((name: string, options: JsonOption) => status(find(name), options));
  messages
    .command('dead <service>')
    .description('lists dead letters with the reason, oldest first; they stay where they are')
    .option('--queue <queue>', 'of this queue alone')
    .option('--limit <n>', `of each queue at most so many, 1 to ${limitMax}`, '50')
    .option('--json', 'one JSON line a letter, with its body')
    .exitOverride()
    .action((name: string, options: DeadOptions) => dead(find(name), options));
  messages
    .command('replay <service>')
    .description('puts dead letters back into their queue; what they did already is not done again')
    .option('--queue <queue>', 'of this queue alone')
    .option('--id <id>', 'this one')
    .option('--all', 'the oldest of each queue, as many as --limit says')
    .option('--limit <n>', `with --all at most so many of each queue, 1 to ${limitMax}`, '1000')
    .option('--json', 'JSON')
    .exitOverride()
    .action((name: string, options: ReplayOptions) => replay(find(name), options));
}

interface JsonOption {
  readonly json?: boolean;
}

interface DeadOptions extends JsonOption {
  readonly queue?: string;
  readonly limit: string;
}

interface ReplayOptions extends DeadOptions {
  readonly id?: string;
  readonly all?: boolean;
}

async function status(service: AnyService, options: JsonOption): Promise<void> {
  await withMessaging(service, async (messaging, { placed }) => {
    const database = openDatabase({ url: placed.applicationUrl, connectionsMax: 1 });
    try {
      const hasJobs = (service.messaging?.jobs ?? []).length > 0;
      const deadJobs = hasJobs ? await listJobs(database, { state: 'dead', limit: limitMax }) : [];
      const queues = await Promise.all(
        messaging.queues.map(async (queue) => ({ queue, dead: (await letters(messaging, queue, limitMax)).length })),
      );
      const { pending, held, seconds } = await outboxLag(database);
      const broker = messaging.broker.kind;
      const facts = { broker, pending, held_keys: held, lag_seconds: seconds, queues, dead_jobs: deadJobs.length };
      if (options.json) return printJson({ service: service.face.name, ...facts });
      print(`broker      ${broker}`);
      print(`outbox      ${pending} waiting, the oldest for ${Math.round(seconds)} s; ${held} keys held back`);
      for (const { queue, dead: count } of queues) print(`queue       ${queue}: ${count} dead letters`);
      if (hasJobs) print(`jobs        ${deadJobs.length} dead`);
      for (const job of deadJobs) print(`  ${job.id}  ${job.kind}  ${job.lastError ?? ''}`);
      return undefined;
    } finally {
      await database.close();
    }
  });
}

async function dead(service: AnyService, options: DeadOptions): Promise<void> {
  const limit = limitOf(options.limit);
  await withMessaging(service, async (messaging) => {
    for (const queue of queuesOf(messaging, options)) {
      for (const letter of await letters(messaging, queue, limit)) {
        if (options.json) printJson(letter);
        else print([letter.id, letter.diedAt?.toISOString(), queue, letter.eventType, letter.reason].join('  '));
      }
    }
  });
}

async function replay(service: AnyService, options: ReplayOptions): Promise<void> {
  const limit = limitOf(options.limit);
  if ((options.id === undefined) === (options.all !== true)) throw new UsageError('Say which: --id <id>, or --all');
  const which = options.id === undefined ? { limit } : { id: options.id, limit: 1 };
  await withMessaging(service, async (messaging, running) => {
    const replayed: Record<string, number> = {};
    for (const queue of queuesOf(messaging, options)) {
      replayed[queue] = await messaging.broker.replay(queue, which);
      if (replayed[queue] === 0) continue;
      const details = { queue, count: replayed[queue], ...(options.id === undefined ? {} : { id: options.id }) };
      const deed = { action: 'replay', resourceType: 'dead_letter', resourceId: null, details };
      await service.recordDeed(running.opened.app, 'dead_letter.replay', deed);
    }
    const count = Object.values(replayed).reduce((sum, own) => sum + own, 0);
    if (count === 0 && options.id !== undefined) throw new CommandFailed(`There is no dead letter ${options.id}`);
    if (options.json) printJson({ replayed });
    else print(`${count} dead letters are back in their queues`);
  });
}

async function withMessaging(
  service: AnyService,
  work: (messaging: Messaging, running: RunningService) => Promise<void>,
): Promise<void> {
  const { name } = service.face;
  if (!service.messaging) throw new CommandFailed(`${name} neither sends nor hears messages`);
  await withOpenServices([service], {
    isQuiet: true,
    work: async ([running]) => {
      const messaging = running?.messaging.open();
      if (!running || !messaging) return;
      try {
        await reachable(messaging);
        await work(messaging, running);
      } catch (error) {
        if (!(error instanceof BrokerUnavailable)) throw error;
        throw new CommandFailed(error.message, { cause: error });
      }
    },
  });
}

/** The connection is made in the background: a command waits for it. */
async function reachable({ broker }: Messaging): Promise<void> {
  for (const endMs = performance.now() + reachMs; ; await new Promise((resolve) => setTimeout(resolve, reachEveryMs))) {
    try {
      await broker.ping();
      return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
    }
  }
}

function letters({ broker }: Messaging, queue: string, limit: number): Promise<readonly DeadLetter[]> {
  return broker.deadLetters(queue, { limit });
}

function queuesOf({ queues }: Messaging, { queue }: DeadOptions): readonly string[] {
  if (queue === undefined) return queues;
  if (!queues.includes(queue)) throw new UsageError(`There is no queue "${queue}". There are: ${queues.join(', ')}`);
  return [queue];
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= limitMax) return limit;
  throw new UsageError(`--limit is "${text}", but should be a whole number from 1 to ${limitMax}`);
}
