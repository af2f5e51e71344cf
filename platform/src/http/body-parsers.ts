import type { FastifyInstance, FastifyRequest } from 'fastify';
import { malformedRequest, mediaTypeUnsupported } from './problems.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route reads a form instead of JSON. */
    readonly readsForm?: boolean;
  }
}

const fieldsMax = 100;

/** JSON is read where a form is not asked for; an empty body counts as none, as many clients send the header without one. */
export function readBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  const parseJson = server.getDefaultJsonParser('error', 'error');
  for (const type of ['application/json', /^application\/[\w.+-]+\+json$/]) {
    server.addContentTypeParser<string>(type, { parseAs: 'string' }, (request, body, done) => {
      // A form that is sent as JSON has none of its fields.
      if (body.length === 0 || readsForm(request)) done(null, undefined);
      else void parseJson(request, body, done);
    });
  }
  server.addContentTypeParser<string>(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (request, body, done) => {
      if (!readsForm(request)) return done(mediaTypeUnsupported());
      const form = parseForm(body);
      if (form instanceof Error) done(form);
      else done(null, form);
    },
  );
}

function readsForm({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.config.readsForm === true;
}

/** A field that stands twice is refused (RFC 6749 section 3.2): two readers of one request could each believe another. */
function parseForm(body: string): Readonly<Record<string, string>> | Error {
  const entries = [...new URLSearchParams(body)];
  const twice = entries.find(([name], place) => entries.findIndex(([other]) => other === name) !== place);
  if (twice) return malformedRequest({ reason: 'a field of the form stands twice' });
  if (entries.length > fieldsMax) return malformedRequest({ reason: `the form has more than ${fieldsMax} fields` });
  return Object.fromEntries(entries);
}
