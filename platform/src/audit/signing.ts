import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign, verify } from 'node:crypto';

/**
 * Checkpoints as signed notes (C2SP tlog-checkpoint and signed-note): the lines origin, size, root in base64, time, number and key,
 * an empty line, and a line for each signature: an em dash, the key's name, and base64 of four bytes that tell keys of
 * one name apart with the 64 bytes of the Ed25519 signature over everything before the empty line.
 */
export interface Checkpoint {
  /** Which log this is: `quinta/mexa/` and the number that the log was given when it was made. */
  readonly origin: string;
  /** How many rows the tree has. */
  readonly size: number;
  /** The root over them, 32 bytes. */
  readonly root: Buffer;
  /** When it was signed, ISO 8601. */
  readonly time: string;
  /** Checkpoints of a log count from 1: one that is missing is noticed. */
  readonly number: number;
  /**
   * The verifier key of whoever made it. What an older key signs as well thereby names the new one: a signature that
   * somebody appends to a note confirms nothing.
   */
  readonly key: string;
}

export interface SignedCheckpoint extends Checkpoint {
  /** The signed text with its signatures. */
  readonly note: string;
}

/** A key that signs, and the text by which everybody can verify what it signed. */
export interface AuditSigner {
  /** `name+hash+key` (C2SP signed-note): what an auditor keeps. */
  readonly verifierKey: string;
  /** A signature line for a text, with its line break. */
  signatureOf(text: string): string;
}

const ed25519 = 1;
const keyHashBytes = 4;
const publicKeyBytes = 32;
const signatureBytes = 64;
/** A private Ed25519 key in PKCS #8 is these bytes and its seed (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
/** A public one in SPKI is these and the key. */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const notePattern =
  /^(?<origin>[^\n]+)\n(?<size>0|[1-9]\d{0,15})\n(?<root>[\w+/]{43}=)\ntime (?<time>[^\n]+)\nnumber (?<number>[1-9]\d{0,15})\nkey (?<key>\S+)\n\n(?:— [^\n]+\n)+$/u;

/** The signer whose key is derived (HKDF-SHA256) from a secret of any length. */
export function auditSigner(name: string, secret: string): AuditSigner {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'quinta audit signing key', publicKeyBytes));
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(spkiPrefix.length);
  const keyHash = keyHashOf(name, publicKey);
  return {
    verifierKey: `${name}+${keyHash.toString('hex')}+${Buffer.concat([Buffer.of(ed25519), publicKey]).toString('base64')}`,
    signatureOf: (text) => {
      const signature = sign(undefined, Buffer.from(text), privateKey);
      return `— ${name} ${Buffer.concat([keyHash, signature]).toString('base64')}\n`;
    },
  };
}

/** The checkpoint, made by the first of the signers and signed by all of them. */
export function signCheckpoint(
  checkpoint: Omit<Checkpoint, 'key'>,
  signers: readonly [AuditSigner, ...AuditSigner[]],
): SignedCheckpoint {
  const { origin, size, root, time, number } = checkpoint;
  const key = signers[0].verifierKey;
  const text = `${origin}\n${size}\n${root.toString('base64')}\ntime ${time}\nnumber ${number}\nkey ${key}\n`;
  return { ...checkpoint, key, note: `${text}\n${signers.map((signer) => signer.signatureOf(text)).join('')}` };
}

/** Reads a note; undefined for what is none. Says nothing of its signatures. */
export function parseCheckpoint(note: string): SignedCheckpoint | undefined {
  const found = notePattern.exec(note)?.groups;
  if (!found) return undefined;
  const { origin = '', size, root = '', time = '', number, key = '' } = found;
  return { origin, size: Number(size), root: Buffer.from(root, 'base64'), time, number: Number(number), key, note };
}

/** A public key that can verify notes. */
export interface AuditVerifier {
  readonly verifierKey: string;
  hasSigned(note: string): boolean;
}

/** @returns undefined for a text that is no Ed25519 verifier key or contradicts itself */
export function auditVerifier(verifierKey: string): AuditVerifier | undefined {
  const [, name = '', hex = '', base64 = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+([\w+/]{44})$/.exec(verifierKey) ?? [];
  const key = Buffer.from(base64, 'base64');
  const publicKey = key.subarray(1);
  if (key[0] !== ed25519 || publicKey.length !== publicKeyBytes) return undefined;
  if (keyHashOf(name, publicKey).toString('hex') !== hex) return undefined;
  const object = createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: 'der', type: 'spki' });
  return { verifierKey, hasSigned: (note) => hasSigned(note, { name, hex, object }) };
}

function hasSigned(
  note: string,
  key: { readonly name: string; readonly hex: string; readonly object: KeyObject },
): boolean {
  // The text ends with the line break before the empty line.
  const end = note.lastIndexOf('\n\n') + 1;
  if (end === 0) return false;
  const text = Buffer.from(note.slice(0, end));
  const lead = `— ${key.name} `;
  return note
    .slice(end + 1)
    .split('\n')
    .filter((line) => line.startsWith(lead))
    .map((line) => Buffer.from(line.slice(lead.length), 'base64'))
    .filter((bytes) => bytes.length === keyHashBytes + signatureBytes)
    .filter((bytes) => bytes.toString('hex', 0, keyHashBytes) === key.hex)
    .some((bytes) => verify(undefined, text, key.object, bytes.subarray(keyHashBytes)));
}

function keyHashOf(name: string, publicKey: Buffer): Buffer {
  return createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.of(ed25519))
    .update(publicKey)
    .digest()
    .subarray(0, keyHashBytes);
}
