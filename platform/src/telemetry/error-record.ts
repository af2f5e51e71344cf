/** What a log tells of an error. Nothing else of it is written, however much a driver hangs on it. */
export interface ErrorRecord {
  readonly error_type: string;
  readonly error_message: string;
  readonly stack_trace?: string;
  readonly code?: string | number;
  readonly constraint?: string;
  readonly table?: string;
  readonly cause?: ErrorRecord | string;
  /** The first few of an AggregateError, such as one for each address that refused a connection. */
  readonly errors?: readonly (ErrorRecord | string)[];
}

const causesMax = 3;
const errorsMax = 5;

/**
 * An error as a record. Of a database's error only the names in it are kept: `detail`, `where`, `parameters`, `query`
 * and `sql` hold the values of a row, and so does a part of the message, which is masked.
 * @param textOf makes a text fit for a line
 * @param depthLeft how many causes deep it may go
 */
export function describeError(error: Error, textOf: (text: string) => string, depthLeft = causesMax): ErrorRecord {
  const type = textOf(typeOf(error));
  const message = textOf(withoutRowValues(error, text(property(error, 'message')) ?? ''));
  const frames = framesOf(text(property(error, 'stack')) ?? '');
  const nested = (value: unknown): ErrorRecord | string => describeNested(value, textOf, depthLeft);
  const cause = property(error, 'cause');
  const errors = property(error, 'errors');
  return {
    error_type: type,
    error_message: message,
    ...(frames === '' ? {} : { stack_trace: textOf(`${type}: ${message}\n${frames}`) }),
    ...named(error, textOf),
    ...(cause === undefined || cause === null ? {} : { cause: nested(cause) }),
    ...(Array.isArray(errors) && errors.length > 0 ? { errors: errors.slice(0, errorsMax).map(nested) } : {}),
  };
}

function describeNested(value: unknown, textOf: (text: string) => string, depthLeft: number): ErrorRecord | string {
  if (typeof value === 'string') return textOf(value);
  if (!(value instanceof Error)) return `[${typeof value}]`;
  return depthLeft > 1 ? describeError(value, textOf, Math.min(depthLeft, causesMax) - 1) : '[cut]';
}

function named(error: Error, textOf: (text: string) => string): Pick<ErrorRecord, 'code' | 'constraint' | 'table'> {
  const code = property(error, 'code');
  const constraint = text(property(error, 'constraint'));
  const table = text(property(error, 'table'));
  return {
    ...(typeof code === 'number' ? { code } : typeof code === 'string' ? { code: textOf(code) } : {}),
    ...(constraint === undefined ? {} : { constraint: textOf(constraint) }),
    ...(table === undefined ? {} : { table: textOf(table) }),
  };
}

/**
 * PostgreSQL (known by its `severity`) ends a message about a bad value with the value in double quotes; MySQL (known
 * by its `sqlState`) puts it in single quotes before the word that says where it stood.
 */
function withoutRowValues(error: Error, message: string): string {
  if (property(error, 'severity') !== undefined) {
    const value = message.indexOf(': "');
    return value < 0 ? message : `${message.slice(0, value)}: "[value]"`;
  }
  if (property(error, 'sqlState') === undefined) return message;
  const before = /\b(?:entry|value:?) '/i.exec(message);
  if (!before) return message;
  const after = Math.max(message.lastIndexOf("' for "), before.index + before[0].length);
  return `${message.slice(0, before.index)}${before[0]}[value]${message.slice(after)}`;
}

/** The stack without the message that begins it, which may be long, have several lines, and hold values. */
function framesOf(stack: string): string {
  const start = stack.search(/^ {4}at /m);
  return start < 0 ? '' : stack.slice(start);
}

/** Its name, or its class where the name says no more than "error", as the PostgreSQL driver's does. */
function typeOf(error: Error): string {
  const name = text(property(error, 'name')) ?? 'Error';
  if (name.toLowerCase() !== 'error') return name;
  const made = property(error, 'constructor');
  return (typeof made === 'function' ? text(made.name) : undefined) ?? name;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A property that may be a getter that throws. */
function property(from: object, key: string): unknown {
  try {
    return (from as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}
