import { hash } from 'node:crypto';
import { leafHash } from './merkle.ts';

/**
 * What the tree says of one audit row. The leaf is canonical JSON (RFC 8785: keys in order, no spaces) of what the row
 * tells without personal data; what may be personal stands in it as two commitments, each SHA-256 of the canonical JSON of
 * its fields and of a salt of 16 random bytes. Whoever has row and salts can recompute the leaf; when a salt and
 * its fields are erased nobody can find them out from the commitment, and the leaf and every proof of it stay as they are.
 */

/** The fields of a row as text, exactly as the database holds them: a changed space is a change. */
export interface RowText {
  readonly id: string;
  readonly request_id: string;
  readonly user_id: string | null;
  readonly action: string;
  readonly resource_type: string;
  readonly resource_id: string | null;
  readonly endpoint: string | null;
  readonly method: string | null;
  /** UTC, as the engine writes it: `2026-01-31 15:04:05.123456`, PostgreSQL without zeros at the end. */
  readonly created_at: string;
  readonly ip_address: string | null;
  readonly user_agent: string | null;
  readonly old_values: string | null;
  readonly new_values: string | null;
  readonly details: string | null;
}

export const rowTextFields = [
  'id',
  'request_id',
  'user_id',
  'action',
  'resource_type',
  'resource_id',
  'endpoint',
  'method',
  'created_at',
  'ip_address',
  'user_agent',
  'old_values',
  'new_values',
  'details',
] as const satisfies readonly (keyof RowText)[];

/** The two parts of a row that can be erased: where it came from, and what it says. */
export const personalParts = {
  origin: ['ip_address', 'user_agent'],
  values: ['details', 'new_values', 'old_values'],
} as const satisfies Record<string, readonly (keyof RowText)[]>;

export type PersonalPart = keyof typeof personalParts;

export const personalPartNames = ['origin', 'values'] as const satisfies readonly PersonalPart[];

/** Base64url of 32 bytes. */
export interface Commitments {
  readonly origin: string;
  readonly values: string;
}

export const saltBytes = 16;
/** Both salts of a row, one behind the other, in the order of `personalPartNames`. */
export const saltsBytes = saltBytes * personalPartNames.length;

const entryVersion = 1;

export function commitmentsOf(row: RowText, salts: Buffer): Commitments {
  return { origin: digestOf(openingOf.origin(row, salts)), values: digestOf(openingOf.values(row, salts)) };
}

/** What a commitment is the hash of: canonical JSON of the part's fields and its salt. */
export const openingOf: Readonly<Record<PersonalPart, (row: RowText, salts: Buffer) => string>> = {
  origin: (row, salts) =>
    `{"ip_address":${json(row.ip_address)},"salt":"${saltOf(salts, 0)}","user_agent":${json(row.user_agent)}}`,
  values: (row, salts) =>
    `{"details":${json(row.details)},"new_values":${json(row.new_values)},"old_values":${json(row.old_values)},"salt":"${saltOf(
      salts,
      1,
    )}"}`,
};

export function digestOf(opening: string): string {
  return hash('sha256', opening, 'base64url');
}

/** The salt of a part as base64url; the parts are in the order of `personalPartNames`. */
function saltOf(salts: Buffer, place: number): string {
  return salts.toString('base64url', place * saltBytes, (place + 1) * saltBytes);
}

/** The leaf as text: canonical JSON. */
export function entryOf(row: RowText, commitments: Commitments): string {
  return `{"action":${json(row.action)},"created_at":${json(instantOf(row.created_at))},"endpoint":${json(row.endpoint)},"id":"${
    row.id
  }","method":${json(row.method)},"origin":"${commitments.origin}","request_id":"${row.request_id}","resource_id":${json(
    row.resource_id,
  )},"resource_type":${json(row.resource_type)},"user_id":${json(row.user_id)},"v":${entryVersion},"values":"${
    commitments.values
  }"}`;
}

export function leafHashOf(row: RowText, commitments: Commitments): Buffer {
  return leafHash(entryOf(row, commitments));
}

const instantPattern = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00)?$/;
const fractionDigits = 6;

/** An instant as ISO 8601 with six digits behind the point, however the engine and its version write it. */
export function instantOf(text: string): string {
  const [, date, time, fraction = ''] = instantPattern.exec(text) ?? [];
  return date === undefined ? text : `${date}T${time}.${fraction.padEnd(fractionDigits, '0')}Z`;
}

/** RFC 8785 writes a string as ECMAScript's JSON.stringify does. */
function json(text: string | null): string {
  return text === null ? 'null' : JSON.stringify(text);
}
