import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { OpenApiDocument } from './openapi.ts';

const require = createRequire(import.meta.url);

/** Pages and their parts come from the installed packages: nothing is fetched from elsewhere. */
const assets: Readonly<Record<string, { readonly file: () => string; readonly type: string }>> = {
  'swagger-ui.css': { file: () => swaggerFile('swagger-ui.css'), type: 'text/css; charset=utf-8' },
  'swagger-ui-bundle.js': { file: () => swaggerFile('swagger-ui-bundle.js'), type: 'text/javascript; charset=utf-8' },
  'redoc.standalone.js': {
    file: () => require.resolve('redoc/bundles/redoc.standalone.js'),
    type: 'text/javascript; charset=utf-8',
  },
};

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'";

/** `/docs` (Swagger UI), `/redoc` and `/openapi.json` of one service. */
export function mountDocs(server: FastifyInstance, prefix: string, document: OpenApiDocument): void {
  const title = (document['info'] as { title: string }).title;
  const text = JSON.stringify(document);
  const page = (path_: string, html: string): void => {
    server.get(path_, (_, reply) =>
      reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(html),
    );
  };
  server.get('/openapi.json', (_, reply) => reply.type('application/json; charset=utf-8').send(text));
  page('/docs', swaggerPage(title, prefix));
  page('/redoc', redocPage(title, prefix));
  server.get('/docs/start.js', (_, reply) => reply.type('text/javascript; charset=utf-8').send(swaggerStart(prefix)));
  server.get('/redoc/start.js', (_, reply) => reply.type('text/javascript; charset=utf-8').send(redocStart(prefix)));
  for (const [name, asset] of Object.entries(assets)) {
    server.get(`/docs/${name}`, async (_, reply) =>
      reply
        .header('cache-control', 'public, max-age=86400')
        .type(asset.type)
        .send(await readFile(asset.file())),
    );
  }
}

function swaggerFile(name: string): string {
  return path.join(path.dirname(require.resolve('@fastify/swagger-ui/package.json')), 'static', name);
}

function swaggerPage(title: string, prefix: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} API</title><link rel="stylesheet" href="${prefix}/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="${prefix}/docs/swagger-ui-bundle.js"></script><script src="${prefix}/docs/start.js"></script></body></html>`;
}

function swaggerStart(prefix: string): string {
  const settings = {
    url: `${prefix}/openapi.json`,
    dom_id: '#swagger-ui',
    deepLinking: true,
    persistAuthorization: false,
  };
  return `SwaggerUIBundle(${JSON.stringify(settings)});`;
}

function redocPage(title: string, prefix: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} API</title></head>
<body><div id="redoc"></div>
<script src="${prefix}/docs/redoc.standalone.js"></script><script src="${prefix}/redoc/start.js"></script></body></html>`;
}

function redocStart(prefix: string): string {
  return `Redoc.init(${JSON.stringify(`${prefix}/openapi.json`)}, {}, document.getElementById('redoc'));`;
}
