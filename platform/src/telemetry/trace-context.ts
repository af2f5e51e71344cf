/** W3C Trace Context (https://www.w3.org/TR/trace-context/), the `traceparent` header. */
export interface TraceParent {
  /** 32 hex digits in lower case, not all zeros. */
  readonly traceId: string;
  /** The caller's span: 16 hex digits in lower case, not all zeros. */
  readonly parentId: string;
  /** Whether the caller records this trace. */
  readonly sampled: boolean;
}

const traceparentLengthMax = 512;
const layout = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const zeros = /^0+$/;
const spanIdBytes = 8;

/**
 * Reads a `traceparent` header as the specification's section 3.2 says: lower case alone, no id of zeros, no version
 * ff, nothing behind the flags in version 00, and in a later version only what follows another dash. Anything else,
 * also a header that came twice, is undefined: the caller then begins a trace of its own.
 */
export function parseTraceparent(header: string | readonly string[] | undefined): TraceParent | undefined {
  const text = typeof header === 'object' && header.length === 1 ? header[0] : header;
  if (typeof text !== 'string' || text.length > traceparentLengthMax) return undefined;
  const [, version, traceId, parentId, flags, rest] = layout.exec(text) ?? [];
  if (traceId === undefined || parentId === undefined || flags === undefined) return undefined;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (zeros.test(traceId) || zeros.test(parentId)) return undefined;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The header for an outgoing call, in version 00. */
export function formatTraceparent(trace: TraceParent): string {
  return `00-${trace.traceId}-${trace.parentId}-${trace.sampled ? '01' : '00'}`;
}

/** A span's id, the `parentId` of an outgoing call. @param random at least eight random bytes */
export function newSpanId(random: Uint8Array): string {
  if (random.length < spanIdBytes) {
    throw new RangeError(`Cannot make an id of ${spanIdBytes} bytes from ${random.length}`);
  }
  const hex = Buffer.from(random.buffer, random.byteOffset, spanIdBytes).toString('hex');
  // An id of zeros means "no id"; chance gives one never, a test's fixed bytes may.
  return zeros.test(hex) ? `${hex.slice(1)}1` : hex;
}
