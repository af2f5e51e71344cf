import fc from 'fast-check';
import { isRecord, type JsonSchema } from './fuzz-schema.ts';
import { hostileText, hostileValue, validValue } from './fuzz-values.ts';

/** A body with the media type that it claims. */
export interface FuzzBody {
  readonly bytes: Buffer | undefined;
  readonly contentType: string | undefined;
  /** Larger than the server takes. */
  readonly isOversized: boolean;
}

export const noBody: FuzzBody = { bytes: undefined, contentType: undefined, isOversized: false };

const json = 'application/json';
const oversizedBytes = 1_100_000;

export function validBody(schema: JsonSchema, document: JsonSchema): fc.Arbitrary<FuzzBody> {
  return validValue(schema, document).map((value) => bodyOf(JSON.stringify(value)));
}

/** Bodies that are wrong in their shape, their syntax, their bytes or their media type. */
export function hostileBody(schema: JsonSchema, document: JsonSchema): fc.Arbitrary<FuzzBody> {
  const valid = validValue(schema, document);
  return fc.oneof(
    { weight: 8, arbitrary: almostValid(valid).map((value) => bodyOf(JSON.stringify(value))) },
    { weight: 2, arbitrary: hostileValue.map((value) => bodyOf(JSON.stringify(value))) },
    { weight: 4, arbitrary: brokenText(valid) },
    { weight: 2, arbitrary: fc.tuple(valid, claimedTypes).map(([value, type]) => bodyOf(JSON.stringify(value), type)) },
    { weight: 1, arbitrary: fc.constantFrom(...heavyBodies) },
    { weight: 1, arbitrary: fc.constantFrom(bodyOf(''), { ...bodyOf(''), contentType: undefined }, noBody) },
  );
}

/** A good value with one field missing, strange or too much; a list with a strange item. */
function almostValid(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(valid, fc.nat(), fc.constantFrom('drop', 'replace', 'add'), hostileValue, hostileText)
    .map(([value, place, change, odd, name]) => changed(value, { place, change, odd, name }));
}

interface Change {
  readonly place: number;
  readonly change: 'drop' | 'replace' | 'add';
  readonly odd: unknown;
  readonly name: string;
}

function changed(value: unknown, { place, change, odd, name }: Change): unknown {
  if (Array.isArray(value)) return [...(value as unknown[]), odd];
  if (!isRecord(value)) return odd;
  const names = Object.keys(value);
  const chosen = names[place % Math.max(names.length, 1)] ?? 'unknown';
  if (change === 'add') return { ...value, [name]: odd };
  if (change === 'drop') return Object.fromEntries(Object.entries(value).filter(([key]) => key !== chosen));
  const inner = value[chosen];
  // Half of the changes go one level deeper, where there is one.
  const isDeeper = place % 2 === 0 && typeof inner === 'object' && inner !== null;
  return { ...value, [chosen]: isDeeper ? changed(inner, { place: place >> 1, change, odd, name }) : odd };
}

function brokenText(valid: fc.Arbitrary<unknown>): fc.Arbitrary<FuzzBody> {
  return fc
    .tuple(valid, fc.nat(), fc.constantFrom(...breakages))
    .map(([value, place, breakage]) => bodyOf(breakage(JSON.stringify(value) ?? '{}', place)));
}

const breakages: readonly ((text: string, place: number) => string | Buffer)[] = [
  (text, place) => text.slice(0, place % Math.max(text.length, 1)),
  (text) => `${text}${text}`,
  (text) => `${text},`,
  (text) => `\ufeff${text}`,
  (text) => text.replace('{', '{"__proto__":{"admin":true},'),
  (text) => text.replace('{', '{"constructor":{"prototype":{"admin":true}},'),
  (text) => text.replace('{', '{"amount":1,"amount":2,'),
  (text) => text.replaceAll('"', "'"),
  (text) => `/* comment */ ${text}`,
  (text) => text.replace(/:.*?([,}])/, ':1e999$1'),
  (text) => text.replace(/:.*?([,}])/, ':NaN$1'),
  (text) => text.replace(/:.*?([,}])/, String.raw`:"\ud800"$1`),
  (text) => text.replace(/:.*?([,}])/, String.raw`:"\u0000"$1`),
  (text) => text.replace(/:.*?([,}])/, `:${'9'.repeat(400)}$1`),
  (text) => Buffer.from(text, 'utf16le'),
  (text) => Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xff, 0xfe, 0x00, 0xc0])]),
  (text) => Buffer.from(text.replace(/:.*?([,}])/, ':"é"$1'), 'latin1'),
  (_, place) => Buffer.from(Array.from({ length: 64 }, (__, index) => (place * (index + 7)) % 256)),
];

const claimedTypes = fc.constantFrom(
  ...[
    ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml'],
    ['application/json; charset=utf-16', 'application/json;;;', 'APPLICATION/JSON', 'application/merge-patch+json'],
    ['application/problem+json', 'text/json', '*/*', 'json', ';', 'application/json, text/plain'],
  ].flat(),
);

const heavyBodies: readonly FuzzBody[] = [
  bodyOf('['.repeat(100_000)),
  bodyOf(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`),
  bodyOf(JSON.stringify({ description: 'x'.repeat(900_000) })),
  bodyOf(JSON.stringify(Array.from({ length: 100_000 }, (_, place) => place))),
  bodyOf(JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, place) => [`key${place}`, place])))),
  { ...bodyOf(JSON.stringify({ description: 'x'.repeat(oversizedBytes) })), isOversized: true },
  { ...bodyOf(Buffer.alloc(oversizedBytes, 0x20)), isOversized: true },
];

function bodyOf(content: string | Buffer | undefined, contentType = json): FuzzBody {
  return { bytes: Buffer.from(content ?? ''), contentType, isOversized: false };
}
