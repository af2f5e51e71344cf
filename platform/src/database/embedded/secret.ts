import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { EmbeddedServerError, explaining } from './embedded-server-error.ts';
import { writeWhole } from './placement.ts';

/** The password of a role. */
export type PasswordOf = (role: string) => string;

const secretBytes = 32;

/** Makes the secret of a new cluster: random, in a file that its owner alone can read. */
export function makeSecret(path: string): void {
  explaining(`Cannot write ${path}`, () =>
    writeWhole(path, `${randomBytes(secretBytes).toString('base64url')}\n`, 0o600),
  );
}

/**
 * Reads the secret and derives each role's password from it (HMAC-SHA-256 of the role's name), so that a role made
 * halfway by a process that was killed still has a known password, and nothing is rewritten when a role is added.
 */
export function readPasswords(path: string): PasswordOf {
  if (!existsSync(path)) {
    throw new EmbeddedServerError(
      `The secret of the embedded database, ${path}, is missing. Put it back, or move the folder away to begin with an ` +
        'empty database.',
    );
  }
  const secret = explaining(`Cannot read ${path}`, () => readFileSync(path, 'utf8').trim());
  return (role) => createHmac('sha256', secret).update(role).digest('base64url');
}
