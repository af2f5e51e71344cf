import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { StreamReply } from './route.ts';

/** Sends a stream as a file, once its first part is there: what fails before it is thrown, and nothing was sent. */
export async function sendStream(answer: StreamReply, reply: FastifyReply): Promise<FastifyReply> {
  const parts = answer.stream[Symbol.asyncIterator]();
  const first = await parts.next();
  return reply
    .status(answer.status)
    .header('content-type', answer.contentType)
    .header('content-disposition', `attachment; filename="${answer.fileName}"`)
    .send(Readable.from(beginningWith(first, parts)));
}

/** A stream again. No generator: one that nobody has begun to read would not pass a caller's farewell on. */
function beginningWith<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncIterable<T> {
  let isBegun = false;
  const whole: AsyncIterator<T> = {
    next: () => {
      if (isBegun) return rest.next();
      isBegun = true;
      return Promise.resolve(first);
    },
    return: async () => (await rest.return?.()) ?? { done: true, value: undefined },
  };
  return { [Symbol.asyncIterator]: () => whole };
}
