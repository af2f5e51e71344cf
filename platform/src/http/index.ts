export { type Answer, forgetIdempotencyKeys, idempotently, type IdempotentRequest } from './idempotency.ts';
export { csvLine } from './csv.ts';
export { limitKeyOf } from './client-address.ts';
export { type LimitDecision, type Mount, type ReadyCheck, type ServiceFace } from './mount.ts';
export { openApiOf, type OpenApiDocument, type OpenApiSource } from './openapi.ts';
export { cursorParameter, idParameter, idParams, instantParameter, limitParameter, plainText } from './parameters.ts';
export { type LegacyMembers } from './problem-reply.ts';
export {
  idempotencyKeyReused,
  permissionMissing,
  platformProblems,
  tooManyRequests,
  unauthenticated,
  validationFailed,
} from './problems.ts';
export {
  type Call,
  type RateLimit,
  type Replies,
  type ReplyOf,
  type Route,
  routesOf,
  type SignedInCall,
  type StreamReply,
} from './route.ts';
export { buildServer, type MountedService, type ServerOptions } from './server.ts';
export { type RequestObserver } from './request-context.ts';
export { fieldFaults, summaryOf } from './field-faults.ts';
export { type SocketConnection, type SocketListener, type SocketRoute } from './sockets.ts';
