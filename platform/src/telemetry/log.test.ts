import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Log } from '../kernel/index.ts';
import { createLog } from './index.ts';

interface Line {
  readonly [field: string]: unknown;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly stack_trace?: string;
}

interface Recorded {
  readonly log: Log;
  /** What was written, as text. */
  readonly raw: () => string;
  readonly lines: () => Line[];
}

function record(level = 'DEBUG'): Recorded {
  let written = '';
  const destination = {
    write: (line: string) => {
      written += line;
    },
  };
  return {
    log: createLog({ service: 'mexa', level, destination }),
    raw: () => written,
    lines: () =>
      written
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line),
  };
}

/** The one line of one event. */
function lineOf(fields: Record<string, unknown>, message = 'Something happened'): Line {
  const { log, lines } = record();
  log.info(fields, message);
  const [line] = lines();
  if (!line || lines().length !== 1) throw new Error('expected exactly one line');
  return line;
}

describe('a line', () => {
  test('carries what MEXA promised', () => {
    const fields = {
      request_id: '0199a8f0-1111-7abc-8def-0123456789ab',
      user_id: '42',
      method: 'POST',
      path: '/api/v1/vales',
      status_code: 201,
      duration_ms: 1.25,
      ip: '192.0.2.1',
      user_agent: 'curl/8',
    };
    const line = lineOf(fields, 'Request completed');
    expect(line).toEqual({
      ...fields,
      timestamp: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string,
      level: 'INFO',
      logger: 'mexa',
      message: 'Request completed',
    });
    expect(Math.abs(Date.now() - Date.parse(String(line['timestamp'])))).toBeLessThan(60_000);
  });

  test.each([
    ['DEBUG', ['DEBUG', 'INFO', 'WARNING', 'ERROR']],
    ['info', ['INFO', 'WARNING', 'ERROR']],
    ['Warning', ['WARNING', 'ERROR']],
    ['warn', ['WARNING', 'ERROR']],
    ['ERROR', ['ERROR']],
    ['CRITICAL', []],
    ['silent', []],
  ])('of level %s or above is written', (level, words) => {
    const { log, lines } = record(level);
    log.debug({}, 'one');
    log.info({}, 'two');
    log.child({ a: 1 }).warn({}, 'three');
    log.error({}, 'four');
    expect(lines().map((line) => line['level'])).toEqual(words);
  });

  test('of a child carries its fields, and a field said again has the last value, once', () => {
    const { log, lines, raw } = record();
    const child = log.child({ request_id: 'a', logger: 'mexa.http' }).child({ trace_id: 'b' });
    child.info({ request_id: 'c' }, 'text');
    log.info({}, 'of the parent');
    expect(lines()[0]).toMatchObject({ request_id: 'c', trace_id: 'b', logger: 'mexa.http' });
    expect(raw().match(/"request_id"/g)).toHaveLength(1);
    expect(lines()[1]).not.toHaveProperty('request_id');
  });

  test('does not let a field pass for what the log itself says', () => {
    const { log, lines, raw } = record();
    log.info({ level: 'ERROR', timestamp: 'never', message: 'another', toString: 'x', ['__proto__']: 'y' }, 'mine');
    expect(lines()[0]).toMatchObject({ level: 'INFO', message: 'mine', level_: 'ERROR', message_: 'another' });
    expect(lines()[0]).toMatchObject({ toString: 'x', __proto___: 'y' });
    expect(raw().match(/"level"/g)).toHaveLength(1);
  });
});

test('fields that look like a request of node:http, or say how they are written, stay fields', () => {
  const fields = { method: 'GET', headers: { a: 1 }, socket: 'x', toJSON: 'y' };
  expect(lineOf({ ...fields, inner: { toJSON: () => 'z' } })).toMatchObject({ ...fields, inner: {} });
});

test('a level that is none is refused by name', () => {
  expect(() => createLog({ service: 'mexa', level: 'loud' })).toThrow('LOG_LEVEL is "loud"');
});

describe('secrets', () => {
  const planted = ['hunter2', 'c2lnbmF0dXJl', 'opaque-refresh', 'sid=1234', 'mexa_pass'];
  const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.${planted[1]}`;

  test('do not come through, wherever they are', () => {
    const { log, raw, lines } = record();
    const child = log.child({ refreshToken: planted[2], note: `with ${jwt}` });
    child.info(
      {
        password: planted[0],
        body: { user: { NewPassword: planted[0] }, list: [{ access_token: jwt }, `Bearer ${planted[2]}`] },
        headers: { Authorization: `Bearer ${jwt}`, 'set-cookie': [planted[3]], cookie: planted[3] },
        map: new Map([['api_key', planted[0]]]),
        [`odd ${jwt}`]: 1,
      },
      `Connected to postgres://mexa:${planted[4]}@db with Bearer ${planted[2]}`,
    );
    child.error({ error: new Error(`refused ${jwt}`, { cause: new Error(`Bearer ${planted[2]}`) }) }, 'failed');
    for (const secret of planted) expect(raw()).not.toContain(secret);
    expect(lines()).toHaveLength(2);
    expect(lines()[0]).toMatchObject({ password: '[redacted]', refreshToken: '[redacted]' });
  });

  test('do not come through a text that is cut', () => {
    const inside = `${jwt} ${'x'.repeat(10_000)}`;
    const across = `${'x'.repeat(8170)} ${jwt}`;
    expect(lineOf({ inside, across })).toMatchObject({
      inside: expect.stringMatching(/^\[redacted\] x+…\[cut \d+ characters\]$/) as string,
      across: expect.stringMatching(/^x+ \[redacted\]…\[cut \d+ characters\]$/) as string,
    });
  });

  test('that are merely there or not may be told', () => {
    expect(lineOf({ password: true, token: null })).toMatchObject({ password: true, token: null });
  });
});

describe('an error', () => {
  test('under "error" lies flat in the line', () => {
    const line = lineOf({ error: new TypeError('no such thing'), operation: 'vale.issue' });
    expect(line).toMatchObject({ error_type: 'TypeError', error_message: 'no such thing', operation: 'vale.issue' });
    expect(line.stack_trace).toMatch(/^TypeError: no such thing\n {4}at .*log\.test\.ts/);
    expect(line).not.toHaveProperty('error');
  });

  test('elsewhere is a record, with its cause and its parts', () => {
    const error = new AggregateError([new Error('first'), 'second'], 'both failed', { cause: new RangeError('why') });
    expect(lineOf({ last_failure: error })).toMatchObject({
      last_failure: {
        error_type: 'AggregateError',
        cause: { error_type: 'RangeError', error_message: 'why' },
        errors: [{ error_message: 'first' }, 'second'],
      },
    });
  });

  test('of PostgreSQL tells names and no values', () => {
    const values = {
      detail: 'Key (email)=(ana@example.mx) already exists.',
      where: 'COPY usuarios, line 1: "ana@example.mx"',
      parameters: ['ana@example.mx'],
      query: "insert into usuarios values ('ana@example.mx')",
    };
    const names = { severity: 'ERROR', code: '23505', constraint: 'usuarios_email_key', table: 'usuarios' };
    const message = 'invalid input syntax for type uuid: "ana@example.mx"';
    const line = lineOf({ err: Object.assign(new Error(message), values, names) });
    expect(line).toMatchObject({ code: '23505', constraint: 'usuarios_email_key', table: 'usuarios' });
    expect(line.error_message).toBe('invalid input syntax for type uuid: "[value]"');
    expect(JSON.stringify(line)).not.toContain('ana@example.mx');
  });

  test('of MySQL tells names and no values', () => {
    const message = "Duplicate entry 'ana@example.mx' for key 'usuarios.email'";
    const more = { sqlState: '23000', code: 'ER_DUP_ENTRY', sqlMessage: message, sql: 'insert … ana@example.mx' };
    const line = lineOf({ error: Object.assign(new Error(message), more) });
    expect(line).toMatchObject({ code: 'ER_DUP_ENTRY' });
    expect(line.error_message).toBe("Duplicate entry '[value]' for key 'usuarios.email'");
    expect(JSON.stringify(line)).not.toContain('ana@example.mx');
  });

  test('that is its own cause is told a few times', () => {
    const error = new Error('round and round');
    error.cause = error;
    expect(JSON.stringify(lineOf({ error })).match(/round and round/g)?.length).toBeLessThan(10);
  });
});

describe('awkward values', () => {
  test('become plain data', () => {
    const circular: Record<string, unknown> = { name: 'outer' };
    circular['inner'] = { outer: circular };
    const plain = lineOf({
      circular,
      amount_minor: 12_345_678_901_234_567_890n,
      not_a_number: Number.NaN,
      when: new Date(0),
      never: new Date(Number.NaN),
      bytes: new Uint8Array(3),
      set: new Set([1]),
      nothing: undefined,
      work: () => 1,
      sign: Symbol('sign'),
      where: new URL('https://ana:hunter2@example.mx/'),
    });
    expect(plain).toMatchObject({
      circular: { name: 'outer', inner: { outer: '[circular]' } },
      amount_minor: '12345678901234567890',
      not_a_number: 'NaN',
      when: '1970-01-01T00:00:00.000Z',
      never: 'Invalid Date',
      bytes: '[3 bytes]',
      set: [1],
      sign: 'Symbol(sign)',
      where: 'https://ana:[redacted]@example.mx/',
    });
    expect(plain).not.toHaveProperty('nothing');
    expect(plain).not.toHaveProperty('work');
  });

  test('that throw are marked', () => {
    const thrower = {
      get bad(): string {
        throw new Error('no');
      },
      good: 1,
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(lineOf({ thrower, proxy, error: proxy })).toMatchObject({
      thrower: { bad: '[unreadable]', good: 1 },
      proxy: '[unreadable]',
      error: '[unreadable]',
    });
    expect(lineOf(thrower)).toMatchObject({ bad: '[unreadable]', good: 1 });
  });

  test('that are huge are cut, with a mark', () => {
    const line = lineOf({ text: 'x'.repeat(10_000), list: Array.from({ length: 150 }, (_, index) => index) });
    expect(line['text']).toBe(`${'x'.repeat(8192)}…[cut 1808 characters]`);
    expect(line['list']).toHaveLength(101);
    const texts = Array.from({ length: 90 }, () => 'y'.repeat(8000));
    expect(JSON.stringify(lineOf({ texts })).length).toBeLessThan(80_000);
    let deep: unknown = 'bottom';
    for (let level = 0; level < 50; level += 1) deep = { deep };
    expect(JSON.stringify(lineOf({ deep }))).toContain('[cut]');
  });
});

test('line feeds and control characters cannot forge a line', () => {
  const forged = 'x\r\n{"level":"ERROR","message":"forged"}\n\u2028\u0000\u001b[2J';
  const { log, raw, lines } = record();
  log.info({ user_agent: forged, [forged]: forged, nested: { [forged]: [forged] } }, forged);
  expect(raw().match(/\n/g)).toHaveLength(1);
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  expect(raw().slice(0, -1)).not.toMatch(/[\u0000-\u001f]/);
  expect(lines()[0]).toMatchObject({ level: 'INFO', user_agent: forged, message: forged });
});

test('whatever is logged, it is one line of JSON with its own level, and nothing is thrown', () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withNullPrototype: true,
    withObjectString: true,
    maxDepth: 4,
  });
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), anything),
      fc.string({ unit: 'binary' }),
      (fields, text) => {
        const { log, raw, lines } = record();
        log.child(fields).warn(fields, text);
        expect(raw().indexOf('\n')).toBe(raw().length - 1);
        expect(lines()).toHaveLength(1);
        expect(lines()[0]).toMatchObject({ level: 'WARNING' });
      },
    ),
    { numRuns: 500 },
  );
});
