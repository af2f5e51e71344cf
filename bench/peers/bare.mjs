import { createServer } from 'node:http';
import { settings } from './settings.mjs';

/** The ceiling: JSON in, JSON out on node:http, with nothing checked, stored or logged. */
let id = 0;

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    id += 1;
    const { amount, description, user_id, request_id } = JSON.parse(Buffer.concat(chunks).toString());
    const body = JSON.stringify({
      id,
      user_id,
      request_id,
      amount,
      description,
      state: 'issued',
      created_at: new Date().toISOString(),
      issued_by: 1,
      redeemed_at: null,
      redeemed_by: null,
      voided_at: null,
      voided_by: null,
      void_reason: null,
    });
    response.writeHead(201, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  });
}).listen(settings.port, settings.host);
