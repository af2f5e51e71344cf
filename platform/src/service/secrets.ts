import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../config/index.ts';

const lengthMinBytes = 32;
const guessable = /^(?:change|secret|password|default|example|test|dev)[-_a-z0-9]*$|^(.)\1*$/i;

export interface SecretSource {
  readonly isProduction: boolean;
  /** Where development secrets are kept. */
  readonly dataDirectory: string;
}

/**
 * A secret from the configuration; in development one that is made once and kept in the data folder.
 * @throws ConfigError in production for a missing, short (< 32 bytes) or guessable one
 */
export function resolveSecret(name: string, configured: string | undefined, source: SecretSource): string {
  if (source.isProduction) return strongSecret(name, configured);
  return configured ?? developmentSecret(source.dataDirectory, name);
}

function strongSecret(name: string, configured: string | undefined): string {
  if (configured === undefined) {
    throw new ConfigError([`${name} is not set, but production needs a secret of ${lengthMinBytes} bytes or more`]);
  }
  const length = Buffer.byteLength(configured);
  if (length < lengthMinBytes) {
    throw new ConfigError([`${name} holds ${length} bytes, but production needs ${lengthMinBytes} or more`]);
  }
  if (guessable.test(configured)) {
    throw new ConfigError([`${name} holds a secret that can be guessed, but production needs a random one`]);
  }
  return configured;
}

/** Reads or makes a secret of the data folder. Two processes that start at once agree on the first one written. */
export function developmentSecret(dataDirectory: string, name: string): string {
  const folder = path.join(dataDirectory, 'secrets');
  const file = path.join(folder, name.toLowerCase());
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(36).toString('base64url')}\n`, { mode: 0o600 });
  return publish(draft, file);
}

/** link(2) fails where the file is there already, as rename(2) would not: the first writer wins, and whole. */
function publish(draft: string, file: string): string {
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    unlinkSync(draft);
  }
  return readFileSync(file, 'utf8').trim();
}
