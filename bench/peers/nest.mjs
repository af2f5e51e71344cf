import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Body, Catch, Controller, HttpException, Injectable, Module, Post, Req, Res, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { issueInput, path, Refusal } from './contract.mjs';
import { logRequest } from './log.mjs';
import { settings } from './settings.mjs';
import { actorOf } from './token.mjs';
import { drawVale } from './vale-store.mjs';

/**
 * MEXA's `POST /vales` as one would write it on NestJS 12 over Fastify: a guard, a validation pipe (the one of its guide
 * for Zod), a service, a controller, an exception filter. The decorators are called as the functions that they are,
 * which is what a compiler makes of them, so that Node runs this file as it is.
 */

class TokenGuard {
  canActivate(context) {
    const request = context.switchToHttp().getRequest();
    request.about.actorId = actorOf(request.headers.authorization).id;
    return true;
  }
}
Injectable()(TokenGuard);

class ZodPipe {
  constructor(schema) {
    this.schema = schema;
  }

  transform(value) {
    const input = this.schema.safeParse(value);
    if (!input.success) throw new Refusal(422, input.error.issues[0]?.message ?? 'Not valid');
    return input.data;
  }
}

class ValesService {
  draw(input, about) {
    return drawVale(input, about);
  }
}
Injectable()(ValesService);

class ValesController {
  constructor(vales) {
    this.vales = vales;
  }

  async issue(input, request, reply) {
    const { status, vale } = await this.vales.draw(input, request.about);
    reply.status(status);
    return vale;
  }
}
Reflect.defineMetadata('design:paramtypes', [ValesService], ValesController);
Body(new ZodPipe(issueInput))(ValesController.prototype, 'issue', 0);
Req()(ValesController.prototype, 'issue', 1);
Res({ passthrough: true })(ValesController.prototype, 'issue', 2);
UseGuards(TokenGuard)(ValesController);
Post()(ValesController.prototype, 'issue', Object.getOwnPropertyDescriptor(ValesController.prototype, 'issue'));
Controller(path)(ValesController);

class ProblemFilter {
  catch(error, host) {
    const status = error instanceof Refusal ? error.status : error instanceof HttpException ? error.getStatus() : 500;
    const detail = status < 500 ? error.message : 'Internal Server Error';
    return host.switchToHttp().getResponse().status(status).send({ status, detail });
  }
}
Catch()(ProblemFilter);

class AppModule {}
Module({ controllers: [ValesController], providers: [ValesService] })(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
app.useGlobalFilters(new ProblemFilter());
const server = app.getHttpAdapter().getInstance();
server.addHook('onRequest', async (request, reply) => {
  request.startedMs = performance.now();
  request.about = {
    requestId: request.headers['x-request-id'] ?? randomUUID(),
    method: request.method,
    path: request.url,
    address: request.ip,
    userAgent: request.headers['user-agent'] ?? '',
  };
  reply.header('x-request-id', request.about.requestId);
});
server.addHook('onResponse', async (request, reply) => logRequest(request.about, reply.statusCode, request.startedMs));
await app.listen(settings.port, settings.host);
