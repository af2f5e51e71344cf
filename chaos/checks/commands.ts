import type { World } from '../world.ts';

const shownMax = 2_000;

interface MessagesStatus {
  readonly pending: number;
  readonly held_keys: number;
  readonly queues: readonly { readonly queue: string; readonly dead: number }[];
}

/** What the operator's own commands say: ledger and audit hold, nothing waits, and there are no dead letters. */
export async function commandFaults(world: World): Promise<readonly string[]> {
  const ledger = await world.quinta(['sofipo', 'ledger', 'verify']);
  const audit = await world.quinta(['audit', 'verify', 'sofipo']);
  return [
    ...(ledger.status === 0 ? [] : [`The ledger does not hold: ${ledger.output.slice(0, shownMax)}`]),
    ...(audit.status === 0 ? [] : [`The audit is not sound: ${audit.output.slice(0, shownMax)}`]),
    ...(await messageFaults(world)),
  ];
}

async function messageFaults(world: World): Promise<readonly string[]> {
  const { output } = await world.quinta(['messages', 'status', 'sofipo', '--json']);
  const line = output.split('\n').find((one) => one.startsWith('{') && one.includes('"held_keys"'));
  if (line === undefined) return [`The state of messages is not told: ${output.slice(0, shownMax)}`];
  const { pending, held_keys: held, queues } = JSON.parse(line) as MessagesStatus;
  const dead = queues.filter((queue) => queue.dead > 0);
  const letters = dead.length === 0 ? '' : (await world.quinta(['messages', 'dead', 'sofipo'])).output;
  return [
    ...(pending + held === 0 ? [] : [`${pending} events wait in the outbox, and ${held} keys are held back`]),
    ...dead.map((queue) => `${queue.queue} has ${queue.dead} dead letters: ${letters.slice(0, shownMax)}`),
  ];
}
