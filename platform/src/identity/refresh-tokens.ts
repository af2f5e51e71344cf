import { createHash, createHmac, type KeyObject } from 'node:crypto';

/** A refresh token is opaque: 256 bits of chance behind a mark that scanners of leaked secrets can look for. */
const prefix = 'qr_';
const tokenForm = /^qr_[\w-]{43}$/;
/** Says what the key is used for, so that the same key elsewhere would make other values. */
const successorPurpose = 'quinta refresh successor 1\0';

export const refreshTokenBytes = 32;

export function refreshTokenFrom(chance: Uint8Array): string {
  return prefix + Buffer.from(chance).toString('base64url');
}

/** Whether a text could be a refresh token at all; nothing else is looked up. */
export function isRefreshToken(text: string): boolean {
  return tokenForm.test(text);
}

/** What the database keeps of a token. With 256 bits of chance in it, a plain digest cannot be searched backwards. */
export function refreshTokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/**
 * The one token that follows this one. Derived instead of drawn, so that every process that is shown the same token
 * within the grace time can answer the same successor without its ever being stored.
 */
export function successorOf(token: string, key: KeyObject): string {
  return refreshTokenFrom(createHmac('sha256', key).update(successorPurpose).update(token).digest());
}
