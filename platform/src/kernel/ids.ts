const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Any RFC 9562 UUID in its 36-character form, of whatever version. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** Sixteen bytes as a UUID in lower case. */
export function uuidFromBytes(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then chance. Keys that grow in time keep an
 * index's last page warm.
 * @param unixMs milliseconds since 1970
 * @param random at least ten random bytes
 */
export function uuidV7(unixMs: number, random: Uint8Array): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(unixMs) << 16n);
  bytes.set(random.subarray(0, 10), 6);
  return uuidFromBytes(stamped(bytes, 7));
}

/**
 * UUIDv8 (RFC 9562 section 5.8) from the first sixteen bytes of a digest: the same text gives the same id.
 * @param digest at least sixteen bytes, of SHA-256 say
 */
export function uuidV8(digest: Uint8Array): string {
  return uuidFromBytes(stamped(Uint8Array.from(digest.subarray(0, 16)), 8));
}

function stamped(bytes: Uint8Array, version: number): Uint8Array {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
}
