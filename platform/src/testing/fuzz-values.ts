import fc from 'fast-check';
import { isRecord, type JsonSchema, resolveReference } from './fuzz-schema.ts';

const broken = '\ud800';

/** Keys that every run knows, so that requests meet each other and repeat. */
export const knownUuids = Array.from(
  { length: 8 },
  (_, place) => `0190f3a2-5c1e-7a43-9a51-00000000000${place.toString(16)}`,
);

/** Texts that have hurt others: control characters, injections, numbers that are none, cursors of another list. */
const hostileTexts: readonly string[] = [
  // Cut at a hundred UTF-16 units, its last character breaks.
  [`${'x'.repeat(98)}@\u{1f44d}`],
  ['', ' ', '\u0000', 'a\u0000b', broken, `x${broken}y`, '\udc00\ud800', '\ufeff', '\u202e', '\u200b', '\r\n', '\t'],
  ['null', 'undefined', 'true', 'NaN', 'Infinity', '-Infinity', '[object Object]', '__proto__', 'constructor'],
  ['0', '-0', '-1', '1', '01', '+1', '1.', '.5', '1.0', '1e3', '1e999', '0x10', '1_000', '1,5', '٣', '½'],
  ['2147483647', '2147483648', '-2147483649', '9007199254740993', '9223372036854775808', '9'.repeat(400)],
  ['0.01', '0.001', '99999999.99', '100000000', '125.50'],
  [`' OR '1'='1`, `'; DROP TABLE usuarios; --`, '" OR ""="', '$1', '%s%n', '\\', '%', '_', '%_%', String.raw`\%`],
  ['=1+1', `=cmd|' /C calc'!A0`, '@SUM(1)', '<script>alert(1)</script>', '{{7*7}}', '${7*7}', '../../etc/passwd'],
  [
    'é',
    'e\u0301',
    'ß',
    'İ',
    '漢字',
    '👩‍👩‍👧',
    '\u{1f600}'.repeat(40),
    'a'.repeat(256),
    'ñ'.repeat(1_025),
    'a'.repeat(70_000),
  ],
  ['0000-01-01', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z', '2026-02-30', '2026-01-31T24:00:00Z'],
  ['2026-01-31T15:04:05+14:00', '2026-13-01', '275760-09-13', '-271821-04-20'],
].flat();

/** Places in a list as the API makes them, and of lists that it has not. */
export const cursors: fc.Arbitrary<string> = fc
  .constantFrom<unknown>(
    [5],
    [40],
    [0],
    [-1],
    ['x'],
    [''],
    [9_007_199_254_740_991],
    [2 ** 31],
    [1, 2],
    [null],
    [[1]],
    {},
  )
  .map((keys) => Buffer.from(JSON.stringify(keys)).toString('base64url'));

/** Numbers at the edges of what columns and floats hold. */
const hostileNumbers: readonly number[] = [
  [0, -0, -1, 0.1, 0.1 + 0.2, 1.005, 12.345, 1e-7, 1e21, 1e308, 5e-324, -1e308],
  [2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 2 ** 53 + 2, -(2 ** 63), 99_999_999.99, 100_000_000],
].flat();

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...hostileTexts) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 60 }) },
);

/** Any JSON value, the nastier the likelier. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: hostileText },
  { weight: 3, arbitrary: fc.constantFrom(...hostileNumbers) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [{}], { id: 1 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      nested(500),
      Array.from({ length: 3_000 }, () => 0),
    ),
  },
);

/** Values that a schema allows, its edges and its example more often than chance would. */
export function validValue(schema: JsonSchema, document: JsonSchema): fc.Arbitrary<unknown> {
  const plain = plainValue(schema, document);
  return 'example' in schema
    ? fc.oneof({ weight: 1, arbitrary: fc.constant(schema['example']) }, { weight: 2, arbitrary: plain })
    : plain;
}

function plainValue(schema: JsonSchema, document: JsonSchema): fc.Arbitrary<unknown> {
  const { $ref: reference, anyOf, oneOf, type } = schema;
  if (typeof reference === 'string') return validValue(resolveReference(reference, document), document);
  if ('const' in schema) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  const options = anyOf ?? oneOf;
  if (Array.isArray(options)) return fc.oneof(...(options as JsonSchema[]).map((each) => validValue(each, document)));
  if (Array.isArray(type)) {
    return fc.oneof(...(type as string[]).map((each) => plainValue({ ...schema, type: each }, document)));
  }
  const make = makers[String(type)];
  return make ? make(schema, document) : fc.jsonValue({ maxDepth: 2 });
}

const makers: Readonly<Record<string, (schema: JsonSchema, document: JsonSchema) => fc.Arbitrary<unknown>>> = {
  null: () => fc.constant(null),
  boolean: () => fc.boolean(),
  integer: integerOf,
  number: () => fc.oneof(fc.constantFrom(0.01, 1, 12.5, 99_999_999.99), fc.double({ noNaN: true })),
  string: textOf,
  array: (schema, document) =>
    fc.array(validValue(isRecord(schema['items']) ? schema['items'] : {}, document), {
      minLength: Number(schema['minItems'] ?? 0),
      maxLength: Math.min(Number(schema['maxItems'] ?? 5), 5),
    }),
  object: objectOf,
};

/** Small keys meet rows that are there; the edges are where columns end. */
function integerOf(schema: JsonSchema): fc.Arbitrary<number> {
  const min = Number(schema['minimum'] ?? -(2 ** 31));
  const max = Number(schema['maximum'] ?? 2 ** 31 - 1);
  return fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: Math.max(min, Math.min(1, max)), max: Math.min(max, 60) }) },
    { weight: 3, arbitrary: fc.integer({ min: Math.max(min, Math.min(1, max)), max: Math.min(max, 6) }) },
    { weight: 1, arbitrary: fc.constantFrom(min, max) },
    { weight: 1, arbitrary: fc.integer({ min, max }) },
  );
}

function textOf(schema: JsonSchema): fc.Arbitrary<string> {
  const minLength = Number(schema['minLength'] ?? 0);
  const maxLength = Math.min(Number(schema['maxLength'] ?? 50), 2_000);
  const ofFormat = textFormats[String(schema['format'])];
  if (ofFormat) return ofFormat;
  if (typeof schema['pattern'] === 'string') return fc.stringMatching(new RegExp(schema['pattern'], 'u'));
  const texts = fc.string({ unit: 'grapheme', minLength, maxLength: Math.max(minLength, Math.min(maxLength, 40)) });
  const longest = fc.constant('w'.repeat(maxLength));
  const words = fc.stringMatching(/^[a-z][a-z0-9]{2,8}$/);
  const fitting = hostileTexts.filter((text) => text.length >= minLength && text.length <= maxLength);
  const edges = fitting.length > 0 ? [fc.constantFrom(...fitting)] : [];
  return fc.oneof(
    { weight: 2, arbitrary: words },
    texts.filter((text) => text.length <= maxLength),
    longest,
    ...edges,
  );
}

const instants = fc.oneof(
  fc.constantFrom('2026-01-31T00:00:00Z', '2026-01-31', '0000-01-01', '0001-01-01', '9999-12-31T23:59:59Z'),
  fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }).map((date) => date.toISOString()),
);

const textFormats: Readonly<Record<string, fc.Arbitrary<string>>> = {
  uuid: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...knownUuids) }, fc.uuid(), fc.constant('0'.repeat(8))),
  'date-time': instants,
  date: fc.oneof(
    fc.constantFrom('2026-01-31', '1899-12-31', '2024-02-29'),
    instants.filter((text) => text.length > 20).map((text) => text.slice(0, 10)),
  ),
  email: fc.stringMatching(/^[a-z]{1,8}@[a-z]{2,8}\.example$/),
  password: fc.oneof(fc.constant('a password of good length'), fc.string({ minLength: 1, maxLength: 40 })),
};

function objectOf(schema: JsonSchema, document: JsonSchema): fc.Arbitrary<unknown> {
  const properties = isRecord(schema['properties']) ? (schema['properties'] as Record<string, JsonSchema>) : {};
  const required = (schema['required'] as string[] | undefined) ?? [];
  return fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, validValue(each, document)])),
    { requiredKeys: required.filter((name) => name in properties), noNullPrototype: true },
  );
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { deeper: value };
  return value;
}
