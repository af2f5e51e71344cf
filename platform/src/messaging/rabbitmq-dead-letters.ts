import { deadLetterQueue, type DeadLetter } from './contract.ts';
import type { RabbitChannel, RabbitLink, RabbitMessage } from './rabbitmq-link.ts';
import { deadLetterOf, incomingOf, replayParcel } from './rabbitmq-message.ts';
import type { RabbitPublisher } from './rabbitmq-publisher.ts';

/** Looking for one letter by its id goes no further than this. */
const searchMax = 10_000;

/** Dead letters, oldest first; they are looked at and put back, each to its place. */
export async function listDead(link: RabbitLink, queue: string, limit: number): Promise<readonly DeadLetter[]> {
  return onChannel(link, async (channel) => {
    const letters: DeadLetter[] = [];
    for (let count = 0; count < limit; count += 1) {
      const message = await take(link, channel, queue);
      if (!message) break;
      letters.push(deadLetterOf(queue, message));
    }
    return letters;
  });
}

/** A letter leaves the dead only when its queue has it for certain: what is cut off in between is there twice. */
export async function replayDead(
  parts: { readonly link: RabbitLink; readonly publisher: RabbitPublisher },
  queue: string,
  { id, limit }: { readonly id?: string; readonly limit: number },
): Promise<number> {
  const { link, publisher } = parts;
  return onChannel(link, async (channel) => {
    let count = 0;
    for (let seen = 0; seen < (id === undefined ? limit : searchMax); seen += 1) {
      const message = await take(link, channel, queue);
      if (!message) break;
      if (id !== undefined && incomingOf(message).id !== id) continue;
      await publisher.deliver(replayParcel(queue, message));
      channel.basicAck({ deliveryTag: message.deliveryTag });
      count += 1;
      if (id !== undefined) break;
    }
    return count;
  });
}

function take(link: RabbitLink, channel: RabbitChannel, queue: string): Promise<RabbitMessage | undefined> {
  return link.answer(channel.basicGet({ queue: deadLetterQueue(queue) }));
}

async function onChannel<T>(link: RabbitLink, work: (channel: RabbitChannel) => Promise<T>): Promise<T> {
  const channel = await link.channel();
  try {
    return await work(channel);
  } finally {
    await channel.close();
  }
}
