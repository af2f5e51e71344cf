import { randomUUID } from 'node:crypto';
import express from 'express';
import { issueInput, path, Refusal } from './contract.mjs';
import { logRequest } from './log.mjs';
import { settings } from './settings.mjs';
import { actorOf } from './token.mjs';
import { drawVale } from './vale-store.mjs';

/** MEXA's `POST /vales` as one would write it on Express 5 with `pg`. */
const app = express();
app.disable('x-powered-by');
app.disable('etag');

app.use((request, response, next) => {
  const startedMs = performance.now();
  request.about = {
    requestId: request.get('x-request-id') ?? randomUUID(),
    method: request.method,
    path: request.path,
    address: request.socket.remoteAddress,
    userAgent: request.get('user-agent') ?? '',
  };
  response.set('x-request-id', request.about.requestId);
  response.on('finish', () => logRequest(request.about, response.statusCode, startedMs));
  next();
});

app.use((request, response, next) => {
  request.about.actorId = actorOf(request.get('authorization')).id;
  next();
});

app.use(express.json());

app.post(path, async (request, response) => {
  const input = issueInput.safeParse(request.body);
  if (!input.success) throw new Refusal(422, input.error.issues[0]?.message ?? 'Not valid');
  const { status, vale } = await drawVale(input.data, request.about);
  response.status(status).json(vale);
});

app.use((error, request, response, next) => {
  if (response.headersSent) {
    next(error);
    return;
  }
  const status = error.status ?? 500;
  response.status(status).json({ status, detail: status < 500 ? error.message : 'Internal Server Error' });
});

app.listen(settings.port, settings.host);
