/**
 * What the two engines say differently, in one table. Services ask it for a piece of SQL or a capability; none of
 * them ever asks which engine it is on.
 */

export type DialectName = 'postgresql' | 'mysql';

export interface Dialect {
  readonly name: DialectName;
  /** Whether DDL can be rolled back. */
  readonly hasTransactionalDdl: boolean;
  /** Whether INSERT, UPDATE and DELETE can return rows. */
  readonly hasReturning: boolean;
  /** The instant at which a statement or its transaction began, to the microsecond. */
  readonly now: string;
  /** The n-th placeholder, from 1. */
  readonly placeholder: (index: number) => string;
  /** An identifier that is a reserved word on one of the engines. */
  quote(identifier: string): string;
  /** A column's type by what it holds. */
  readonly types: {
    readonly autoId: string;
    readonly uuid: string;
    readonly json: string;
    readonly instant: string;
    readonly bytes: (length: number) => string;
    /** Text of ASCII characters, compared byte by byte. */
    readonly ascii: (length: number) => string;
    readonly longText: string;
  };
  /** The hour that a UTC timestamp lies in, as text such as 2026-01-31T15:00:00Z. */
  hourOf(column: string): string;
  /** Added to a SELECT so that workers share a queue. */
  readonly skipLocked: string;
}

export const postgresql: Dialect = {
  name: 'postgresql',
  hasTransactionalDdl: true,
  hasReturning: true,
  now: 'now()',
  placeholder: (index) => `$${index}`,
  quote: (identifier) => `"${identifier}"`,
  types: {
    autoId: 'bigint generated always as identity primary key',
    uuid: 'uuid',
    json: 'jsonb',
    instant: 'timestamptz(6)',
    bytes: () => 'bytea',
    ascii: (length) => `varchar(${length}) collate "C"`,
    longText: 'text',
  },
  hourOf: (column) => `to_char(${column}, 'YYYY-MM-DD"T"HH24:00:00"Z"')`,
  skipLocked: 'for update skip locked',
};

export const mysql: Dialect = {
  name: 'mysql',
  hasTransactionalDdl: false,
  hasReturning: false,
  now: 'current_timestamp(6)',
  placeholder: () => '?',
  quote: (identifier) => `\`${identifier}\``,
  types: {
    autoId: 'bigint not null auto_increment primary key',
    uuid: 'char(36) character set ascii collate ascii_bin',
    json: 'json',
    instant: 'datetime(6)',
    bytes: (length) => `varbinary(${length})`,
    ascii: (length) => `varchar(${length}) character set ascii collate ascii_bin`,
    longText: 'longtext',
  },
  hourOf: (column) => `date_format(${column}, '%Y-%m-%dT%H:00:00Z')`,
  skipLocked: 'for update skip locked',
};
