export { EmbeddedServerError } from './embedded-server-error.ts';
export { type EmbeddedServer, holdEmbeddedServer } from './server.ts';
