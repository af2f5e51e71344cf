/**
 * What callers log becomes plain data that is safe to serialise: bounded in depth, breadth and length, without
 * secrets, and made without an exception whatever the value does.
 */

import { describeError, type ErrorRecord } from './error-record.ts';
import { isSecretKey, maskText, redacted } from './secrets.ts';

const textLengthMax = 8192;
const keyLengthMax = 128;
const depthMax = 8;
const itemsMax = 100;
/** How many values one line may hold in all. */
const valuesMax = 1000;
/** How many characters of text one line may hold in all, about. */
const textTotalMax = 65_536;
const keysRememberedMax = 2000;

const unreadable = '[unreadable]';

type PlainRecord = Record<string, unknown>;

interface Walk {
  valuesLeft: number;
  textLeft: number;
  /** The objects around the present one, outermost first: a value among them is a cycle. */
  readonly around: object[];
}

/**
 * Adds fields to a line. A field called `error` or `err` that holds an Error becomes `error_type`, `error_message`,
 * `stack_trace` and so on beside the other fields; an Error elsewhere becomes a record with those names.
 */
export function addPlainFields(line: PlainRecord, fields: object): void {
  const walk: Walk = { valuesLeft: valuesMax, textLeft: textTotalMax, around: [] };
  for (const key of keysOf(fields)) {
    const value = read(fields, key);
    if ((key === 'error' || key === 'err') && isError(value)) Object.assign(line, errorRecord(value, walk));
    else addField(line, key, value, walk);
  }
}

/** A text cut to what a line may hold, with a mark where it was cut, and without tokens. */
export function plainText(text: string, lengthMax = textLengthMax): string {
  if (text.length <= lengthMax) return maskText(text);
  return `${maskText(text.slice(0, lengthMax))}…[cut ${text.length - lengthMax} characters]`;
}

function textWithin(walk: Walk, text: string): string {
  const plain = plainText(text, Math.min(textLengthMax, walk.textLeft));
  walk.textLeft = Math.max(0, walk.textLeft - plain.length);
  return plain;
}

function addField(line: PlainRecord, key: string, value: unknown, walk: Walk): void {
  const { name, isSecret } = keyFacts(key);
  const reserved = walk.around.length === 0 && reservedNames.has(name) ? `${name}_` : name;
  // Whether there is a password is no secret, so null and booleans stay.
  const hides = isSecret && value !== undefined && value !== null && typeof value !== 'boolean';
  const plain = hides ? redacted : plainValue(value, walk);
  if (plain !== undefined) line[reserved] = plain;
}

/** What each line has of its own: the same name twice would let a field pass for that. */
const reservedNames = new Set(['timestamp', 'level', 'message']);

interface KeyFacts {
  readonly name: string;
  readonly isSecret: boolean;
}

const factsByKey = new Map<string, KeyFacts>();

/** What to do with a key. Nearly all keys come from our own code and come again, so the answer is remembered. */
function keyFacts(key: string): KeyFacts {
  const known = factsByKey.get(key);
  if (known) return known;
  const facts = { name: keyName(key), isSecret: isSecretKey(key) };
  if (factsByKey.size < keysRememberedMax && key.length <= keyLengthMax) factsByKey.set(key, facts);
  return facts;
}

function keyName(key: string): string {
  if (key === '__proto__') return '__proto___'; // An assignment to the name itself would change what the line is.
  return maskText(key.length > keyLengthMax ? `${key.slice(0, keyLengthMax)}…` : key);
}

function plainValue(value: unknown, walk: Walk): unknown {
  walk.valuesLeft -= 1;
  if (typeof value === 'string') return textWithin(walk, value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'boolean' || value === null || value === undefined) return value;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'symbol') return value.toString();
  if (typeof value === 'function') return undefined;
  return plainObject(value, walk);
}

function plainObject(value: object, walk: Walk): unknown {
  if (walk.around.includes(value)) return '[circular]';
  if (walk.around.length >= depthMax || walk.valuesLeft <= 0) return '[cut]';
  walk.around.push(value);
  try {
    return plainShape(value, walk);
  } catch {
    return unreadable; // A proxy or a getter that throws: the line is worth more than the value.
  } finally {
    walk.around.pop();
  }
}

function plainShape(value: object, walk: Walk): unknown {
  if (Array.isArray(value)) return plainList(value, walk);
  if (value instanceof Error) return errorRecord(value, walk);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof URL) return textWithin(walk, value.href);
  if (value instanceof Set) return plainList([...value], walk);
  if (value instanceof Map) return plainMap(value, walk);
  return plainRecord(value, walk);
}

function plainList(list: readonly unknown[], walk: Walk): unknown[] {
  const plain: unknown[] = [];
  for (const item of list.slice(0, itemsMax)) plain.push(plainValue(item, walk) ?? null);
  if (list.length > itemsMax) plain.push(`[cut ${list.length - itemsMax} items]`);
  return plain;
}

function plainMap(map: ReadonlyMap<unknown, unknown>, walk: Walk): PlainRecord {
  const record: PlainRecord = {};
  for (const [key, value] of map) if (typeof key === 'string' || typeof key === 'number') record[`${key}`] = value;
  return plainRecord(record, walk);
}

function plainRecord(value: object, walk: Walk): PlainRecord {
  const plain: PlainRecord = {};
  const keys = Object.keys(value);
  for (const key of keys.slice(0, itemsMax)) addField(plain, key, read(value, key), walk);
  if (keys.length > itemsMax) plain['…'] = `[cut ${keys.length - itemsMax} keys]`;
  return plain;
}

function errorRecord(error: Error, walk: Walk): ErrorRecord {
  return describeError(error, (text) => textWithin(walk, text), depthMax - walk.around.length);
}

/** A revoked proxy throws even when it is asked what it is. */
function isError(value: unknown): value is Error {
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
}

function keysOf(fields: object): readonly string[] {
  try {
    return Object.keys(fields).slice(0, itemsMax);
  } catch {
    return [];
  }
}

function read(from: object, key: string): unknown {
  try {
    return (from as PlainRecord)[key];
  } catch {
    return unreadable;
  }
}
