import fastifyCompress from '@fastify/compress';
import type { FastifyInstance, onSendHookHandler } from 'fastify';

/** Below this the headers of a packet weigh more than what compression saves. */
const thresholdBytes = 1_024;
const bodilessMethods = new Set(['GET', 'HEAD']);

/**
 * Answers are compressed where the client asks for it and it is worth it, and bodies that came compressed are unpacked.
 * The plugin looks at each answer's headers and at the client's before it looks at the size; most answers are small, so
 * here the size is asked first, and where no body is read none is unpacked.
 */
export async function registerCompression(server: FastifyInstance): Promise<void> {
  server.addHook('onRoute', (route) => {
    if ([route.method].flat().every((method) => bodilessMethods.has(method))) route.decompress = false;
  });
  await server.register(fastifyCompress, { threshold: thresholdBytes, encodings: ['gzip', 'deflate'] });
  server.addHook('onRoute', (route) => {
    // The plugin has put its own hook last; HEAD has another one before it, which drops the body.
    const hooks = [route.onSend ?? []].flat();
    const compress = hooks.pop();
    if (compress) route.onSend = [...hooks, whereLarge(compress)];
  });
}

type SendHook = (this: FastifyInstance, ...args: Parameters<onSendHookHandler>) => unknown;

function whereLarge(compress: SendHook): onSendHookHandler {
  return function sendLarge(request, reply, payload, done) {
    const isSmall = typeof payload === 'string' && Buffer.byteLength(payload) < thresholdBytes;
    if (isSmall) done(null, payload);
    else compress.call(this, request, reply, payload, done);
  };
}
