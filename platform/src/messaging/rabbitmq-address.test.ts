import { expect, test } from 'vitest';
import { amqpUrlOf, describeAmqpFault, parseAmqpUrl } from './rabbitmq-address.ts';

const guest = { host: 'mq', port: 5_672, virtualHost: '/', user: 'guest', password: 'guest', isTls: false };

test.each([
  ['amqp://mq', guest],
  ['amqp://mq/', guest],
  ['amqp://mq:5673', { ...guest, port: 5_673 }],
  ['amqps://mq', { ...guest, port: 5_671, isTls: true }],
  ['amqp://u:p%40ss%2F@mq/a%2Fb', { ...guest, user: 'u', password: 'p@ss/', virtualHost: 'a/b' }],
  ['amqp://[::1]', { ...guest, host: '::1' }],
])('%s is read', (text, address) => {
  expect(parseAmqpUrl(text)).toEqual(address);
});

test.each(['', 'mq', 'http://mq', 'amqp://', 'amqp://:secret@'])('%j is no address, and is not repeated', (text) => {
  expect(() => parseAmqpUrl(text)).toThrow(/^The address of RabbitMQ should be/);
});

test('parts make an address that is read as they were', () => {
  const parts = { host: 'mq', user: 'über', password: 'a/b:c@d?e#f%', virtualHost: 'own host' };
  expect(parseAmqpUrl(amqpUrlOf(parts))).toEqual({ ...guest, ...parts });
  expect(parseAmqpUrl(amqpUrlOf({ host: '::1', port: 1, isTls: true }))).toEqual({
    ...guest,
    host: '::1',
    port: 1,
    isTls: true,
  });
});

test('a fault tells its code, and never the password', () => {
  const fault = Object.assign(new Error('refused for s3cret-word'), { code: 'ACCESS_REFUSED' });
  expect(describeAmqpFault(fault, { password: 's3cret-word' })).toBe('ACCESS_REFUSED: refused for ***');
});
