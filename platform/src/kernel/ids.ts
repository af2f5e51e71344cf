const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The first digit of the variant's byte, by what chance has put there: its two upper bits are 10. */
const variantDigits = '89ab'.repeat(4);

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
  return uuidV7FromHex(unixMs, Buffer.from(random.buffer, random.byteOffset, 10).toString('hex'));
}

/**
 * The same, for who makes one at each request: it is put together from texts, without a byte in between.
 * @param chance twenty random hex digits in lower case
 */
export function uuidV7FromHex(unixMs: number, chance: string): string {
  const time = unixMs.toString(16).padStart(12, '0');
  const variant = variantDigits.charAt(Number.parseInt(chance.charAt(4), 16));
  const random = `7${chance.slice(1, 4)}-${variant}${chance.slice(5, 8)}-${chance.slice(8, 20)}`;
  return `${time.slice(0, 8)}-${time.slice(8)}-${random}`;
}

/**
 * UUIDv8 (RFC 9562 section 5.8) from the first sixteen bytes of a digest: the same text gives the same id.
 * @param digest at least sixteen bytes, of SHA-256 say
 */
export function uuidV8(digest: Uint8Array): string {
  const bytes = Uint8Array.from(digest.subarray(0, 16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidFromBytes(bytes);
}
