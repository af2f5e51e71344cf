import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSmallServer, type SmallServer } from '../http/test/small-server.ts';
import { leakFaults } from './fuzz-answer.ts';
import { fuzzService } from './fuzz.ts';
import { type JsonSchema, schemaFaults } from './fuzz-schema.ts';
import { hostileExchanges } from './fuzz-sockets.ts';

describe('the fuzzer', () => {
  let small: SmallServer;
  let baseUrl: string;
  beforeEach(async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    small = await openSmallServer({ hasDocs: true, server: { checksReplies: false } });
    baseUrl = await small.server.listen({ host: '127.0.0.1', port: 0 });
  });
  afterEach(() => small.server.close());

  const fuzz = (seed: number) =>
    fuzzService({
      baseUrl,
      seed,
      requestsPerOperation: 40,
      roles: ['keeper', 'guest'],
      tokenOf: async (role) => `${role}-token`,
    });

  it('finds the faults that are planted, and no other', async () => {
    const { faults, statuses, requestCount } = await fuzz(7);
    expect(new Set(faults.map((fault) => fault.split('\n')[0]))).toEqual(
      new Set([
        'broken answered 500',
        'down answered 503',
        'liar $.at does not fit its pattern',
        'liar $.at should be a date-time',
      ]),
    );
    expect(faults.join('\n')).toMatch(/GET \/api\/v1\/broken.* as \w+ [\s\S]*-> 500 [\s\S]*QUINTA_FUZZ_SEED=7/);
    expect(requestCount).toBe(Object.keys(statuses).filter((id) => id !== 'undocumented').length * 40);
    // It gets through to the handlers, and to each refusal before them.
    expect(Object.keys(statuses['thing.find'] ?? {})).toEqual(expect.arrayContaining(['200', '401', '403', '422']));
    expect(Object.keys(statuses['thing.make'] ?? {})).toEqual(expect.arrayContaining(['201', '400', '422']));
  });

  it('asks the same with the same seed, and something else with another', async () => {
    const asked = async (seed: number): Promise<string[]> => {
      const before = small.lines.length;
      await fuzz(seed);
      // Up to eight are on their way at once, so the order is not the same; and every id that is not sent is new.
      return small.lines
        .slice(before)
        .map(({ fields }) => [fields['method'], fields['path'], fields['status_code'], fields['user_agent']].join(' '))
        .toSorted();
    };
    const [first, again, other] = [await asked(1), await asked(1), await asked(2)];
    expect(first.length).toBeGreaterThan(400);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('writes below HTTP and is answered or cut off', async () => {
    const exchanges = await hostileExchanges(baseUrl);
    expect(exchanges.length).toBeGreaterThan(30);
    expect(exchanges.filter(({ faults }) => faults.length > 0)).toEqual([]);
  });
});

describe('a schema', () => {
  const document: JsonSchema = { components: { schemas: { Id: { type: 'integer', minimum: 1 } } } };
  const thing: JsonSchema = {
    type: 'object',
    required: ['id'],
    additionalProperties: false,
    properties: {
      id: { $ref: '#/components/schemas/Id' },
      at: { type: ['string', 'null'], format: 'date-time' },
      tags: {
        type: 'array',
        maxItems: 2,
        items: { type: 'string', minLength: 1, maxLength: 3, pattern: '^[a-z👍]+$' },
      },
      state: { enum: ['new', 'old'] },
      of: { anyOf: [{ const: 1 }, { type: 'boolean' }] },
      map: {
        type: 'object',
        propertyNames: { type: 'string', maxLength: 1 },
        additionalProperties: { type: 'number' },
      },
    },
  };

  it.each<[unknown, string[]]>([
    [{ id: 1 }, []],
    [{ id: 1, at: null, tags: ['a', '👍👍👍'], state: 'old', of: true, map: { a: 1 } }, []],
    [{ id: 1, at: '2026-01-31T00:00:00.000Z', of: 1 }, []],
    [[], ['$ should be object']],
    [null, ['$ should be object']],
    [{}, ['$.id is missing']],
    [{ id: 0 }, ['$.id is below 1']],
    [{ id: 1.5 }, ['$.id should be integer']],
    [{ id: '1' }, ['$.id should be integer']],
    [{ id: 1, more: 1 }, ['$.more should not be there']],
    [{ id: 1, at: 'noon' }, ['$.at should be a date-time']],
    [{ id: 1, at: '2026-01-31 00:00:00' }, ['$.at should be a date-time']],
    [{ id: 1, tags: ['a', 'b', 'c'] }, ['$.tags has too many items']],
    [
      { id: 1, tags: ['', 'abcd', 'A'] },
      [
        '$.tags has too many items',
        '$.tags[0] is too short',
        '$.tags[0] does not fit its pattern',
        '$.tags[1] is too long',
        '$.tags[2] does not fit its pattern',
      ],
    ],
    [{ id: 1, state: 'gone' }, ['$.state should be one of the enumeration']],
    [{ id: 1, of: 2 }, ['$.of fits none of anyOf']],
    [{ id: 1, map: { ab: 1 } }, ['$.map name ab is too long']],
    [{ id: 1, map: { a: 'x' } }, ['$.map.a should be number']],
  ])('fits or says why not, case %#', (value, faults) => {
    expect(schemaFaults(value, thing, document).toSorted()).toEqual(faults.toSorted());
  });

  it('with a word that is not understood is an error, never a pass', () => {
    expect(() => schemaFaults(1, { multipleOf: 2 }, document)).toThrow('"multipleOf", which is not checked');
    expect(() => schemaFaults('1', { format: 'duration' }, document)).toThrow('"duration", which is not checked');
    expect(() => schemaFaults(1, { $ref: '#/components/schemas/None' }, document)).toThrow('leads nowhere');
  });
});

describe('an answer shows too much', () => {
  it.each([
    ['Error: x\n    at handle (/srv/app/vale.ts:12:3)'],
    ['invalid input syntax for type integer: "NaN"'],
    ['select id from usuarios where id = $1'],
    ['insert into audit_logs (a) values (1)'],
    ['relation "vales" does not exist'],
    ['ER_DUP_ENTRY'],
    ['FST_ERR_CTP_BODY_TOO_LARGE'],
    ['connect ECONNREFUSED 127.0.0.1:5432'],
    [`cannot open ${process.cwd()}/x`],
    ['duplicate key value violates unique constraint'],
  ])('with %j', (text) => {
    expect(leakFaults(text).length).toBeGreaterThan(0);
  });

  it.each([
    ['voucher_already_redeemed'],
    ['usuario_not_found'],
    ['The body is not JSON'],
    ['Select a user and update it'],
  ])('and not with %j', (text) => {
    expect(leakFaults(text)).toEqual([]);
  });
});
