import type { ServiceFace } from '../http/index.ts';

/** The page at `/` where several services share a port: what runs here, and where its documents are. */
export function frontPageHtml(faces: readonly ServiceFace[]): string {
  const rows = faces.map(
    ({ name, title, summary }) => `<li><h2>${title}</h2><p>${summary}</p>
<p><a href="/${name}/docs">API</a> · <a href="/${name}/redoc">Reference</a> · <a href="/${name}/openapi.json">OpenAPI</a> ·
<a href="/${name}/health">Health</a> · <a href="/${name}/ready">Ready</a> · <a href="/${name}/metrics">Metrics</a></p></li>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quinta</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color-scheme: light dark; }
ul { list-style: none; padding: 0; } li { border-top: 1px solid #8886; padding: .5rem 0; } h2 { margin: .5rem 0 0; }
</style></head>
<body><main><h1>Quinta</h1><p>These services answer here:</p><ul>${rows.join('\n')}</ul></main></body></html>`;
}
