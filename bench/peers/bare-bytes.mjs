import { createServer } from 'node:http';

/** The ceiling of reading: whatever is asked, the same bytes, on node:http, with nothing looked up, checked or logged. */
const body = process.env.BODY;
const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) };

createServer((request, response) => {
  response.writeHead(200, headers);
  response.end(body);
}).listen(Number(process.env.PORT), '127.0.0.1');
