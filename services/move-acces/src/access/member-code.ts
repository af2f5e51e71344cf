import { createHash, createPrivateKey, createPublicKey, hkdfSync, sign, verify } from 'node:crypto';
import type { Clock } from '@quinta/platform/kernel';

/**
 * Member codes: what an app shows at a door, as a QR code say. A code is good for one step of 30 seconds, as RFC 6238
 * counts them, and names its member; it is signed with Ed25519, so that a door needs nothing but the public key to tell
 * a good one, and can make none itself.
 *
 *     MA1.<member>.<step>.<signature>        all in base 36 but the signature, which is base64url of 64 bytes
 */
export interface MemberCodes {
  /** The code of a member for a step; `offset` steps from now. */
  codeFor(memberId: number, offset?: number): MemberCode;
  /** Whose code it is, if it is good now: the step before and the one after count too, for clocks that differ. */
  read(code: string): { readonly memberId: number; readonly step: number } | undefined;
  /** Ed25519, 32 bytes in base64url: what a door keeps. */
  readonly publicKey: string;
}

export interface MemberCode {
  readonly code: string;
  readonly validFrom: Date;
  readonly validUntil: Date;
}

export const stepMs = 30_000;
const toleranceSteps = 1;
const codeForm = /^MA1\.([0-9a-z]{1,11})\.([0-9a-z]{1,11})\.([\w-]{86})$/;
/** PKCS #8 and SPKI wrap the bytes of an Ed25519 key in these (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiLength = 12;

/** @param secret the service's, from which the signing key is derived */
export function memberCodes(secret: string, clock: Clock): MemberCodes {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'move-acces member codes', 32));
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const stepNow = (): number => Math.floor(clock.now().getTime() / stepMs);
  return {
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(spkiLength).toString('base64url'),
    codeFor: (memberId, offset = 0) => {
      const step = stepNow() + offset;
      const text = `MA1.${memberId.toString(36)}.${step.toString(36)}`;
      const signature = sign(undefined, Buffer.from(text), privateKey).toString('base64url');
      return {
        code: `${text}.${signature}`,
        validFrom: new Date(step * stepMs),
        validUntil: new Date((step + 1) * stepMs),
      };
    },
    read: (code) => {
      const [, member = '', step = '', signature = ''] = codeForm.exec(code) ?? [];
      const text = code.slice(0, code.lastIndexOf('.'));
      if (!verify(undefined, Buffer.from(text), publicKey, Buffer.from(signature, 'base64url'))) return undefined;
      const read = { memberId: Number.parseInt(member, 36), step: Number.parseInt(step, 36) };
      return Math.abs(read.step - stepNow()) <= toleranceSteps ? read : undefined;
    },
  };
}

/** What stands in a log or a store for a code, so that nobody can show it again. */
export function codeDigest(code: string): string {
  return createHash('sha256').update(code).digest('base64url');
}
