import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { malformedRequest } from '../problems.ts';
import { routesOf } from '../route.ts';

interface Counting {
  handled: number;
}

const { publicRoute } = routesOf<Counting>();

/** Bytes as they are made, and each way in which that can go wrong. */
export const documentRoute = publicRoute({
  method: 'GET',
  path: '/document',
  operation: 'document',
  summary: 'Bytes as they are made',
  tag: 'things',
  query: z.strictObject({ fault: z.enum(['none', 'type', 'first', 'later', 'endless']).default('none') }),
  replies: { 200: null },
  streams: ['application/pdf'],
  problems: ['malformed_request'],
  handle: async ({ app, query }) => ({
    status: 200,
    stream: query.fault === 'endless' ? withoutEnd(app) : bytes(query.fault),
    contentType: query.fault === 'type' ? 'image/png' : 'application/pdf',
    fileName: 'a.pdf',
  }),
});

/** Every byte there is, in two parts. */
async function* bytes(fault: string): AsyncGenerator<Uint8Array> {
  if (fault === 'first') throw malformedRequest({ reason: 'there is no such document' });
  yield Uint8Array.from({ length: 128 }, (_, byte) => byte);
  if (fault === 'later') throw new Error('the second half is lost');
  yield Uint8Array.from({ length: 128 }, (_, byte) => 128 + byte);
}

/** `handled` says that the maker was told that nobody reads any more. */
async function* withoutEnd(app: Counting): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      yield new Uint8Array(128);
      await setImmediate();
    }
  } finally {
    app.handled += 1;
  }
}
