import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash as hashArgon2 } from '@node-rs/argon2';
import { createHashingQueue, type HashingStats } from './hashing-queue.ts';
import { passwordNotText, passwordTooLong } from './problems.ts';
import { argon2Signature, readStoredPassword, storedCostMax, type StoredPassword } from './stored-password.ts';

export interface PasswordHasherOptions {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  /**
   * How many are hashed at once; default the number of cores, at most three: the runtime's pool has four threads, and
   * files and name look-ups need the fourth.
   */
  readonly concurrencyMax?: number;
  /** How many wait behind them before `hashing_overloaded`; default 100. */
  readonly queueMax?: number;
  /** How long one waits before `hashing_overloaded`; default 2,000. */
  readonly waitMsMax?: number;
  /**
   * One stored hash of each kind that a legacy table still holds. Each failed verification then costs as much as one
   * of every kind and one of ours, so that time does not tell an account with an old hash from one without. Drop it
   * when the old hashes are gone.
   */
  readonly equaliseWith?: readonly string[];
  /** Formats that one service alone knows, asked where the platform's own do not fit. */
  readonly readOther?: (stored: string) => StoredPassword | undefined;
}

export interface PasswordCheck {
  readonly ok: boolean;
  /** The password was right and its stored hash is not what we would make today: hash again and store that. */
  readonly needsRehash: boolean;
}

export interface PasswordHasher {
  /**
   * An Argon2id hash as a PHC string of 97 characters or so. Throws `password_too_long` or `password_not_text` (422)
   * before any hashing, `hashing_overloaded` (503).
   */
  hash(password: string): Promise<string>;
  /**
   * Whether the password is the stored one. Pass undefined for an unknown user, one without a password, and one who
   * may not sign in: that costs as much as a wrong password. Throws as `hash` does.
   */
  verify(password: string, stored: string | undefined): Promise<PasswordCheck>;
  readonly stats: HashingStats;
}

const passwordBytesMax = 4_096;

/**
 * Memory in KiB that OWASP's Password Storage Cheat Sheet asks for at one, two … five passes and more: equal strength,
 * less memory against more time.
 */
const memoryFloorKiB = [47_104, 19_456, 12_288, 9_216, 7_168] as const;

/**
 * Hashes and verifies passwords with Argon2id (RFC 9106), a few at a time.
 *
 * Passwords are compared as they were sent: no trimming, no case folding, no Unicode normalisation (ASVS 5.0, 6.2.8),
 * because hashes of earlier systems were made of the bytes as they came.
 *
 * Every failed verification costs one Argon2id run with our parameters, whatever is stored: a hash of another kind is
 * checked and a dummy of ours after it, and what is no hash at all gets the dummy alone. `equaliseWith` closes the
 * rest: the time of the other kind itself.
 *
 * Throws a RangeError for parameters below OWASP's floor, or beyond what a stored hash may cost.
 */
export function createPasswordHasher(options: PasswordHasherOptions): PasswordHasher {
  refuseWeak(options);
  const queue = createHashingQueue({
    concurrencyMax: options.concurrencyMax ?? Math.min(availableParallelism(), 3),
    queueMax: options.queueMax ?? 100,
    waitMsMax: options.waitMsMax ?? 2_000,
  });
  const read = (stored: string): StoredPassword | undefined =>
    readStoredPassword(stored) ?? options.readOther?.(stored);
  const ours = argon2Signature(options);
  const decoys = decoysOf(options, read);

  /** Spends what every other kind of stored hash would have cost. */
  const payTheRest = async (password: string, paid: string | undefined): Promise<void> => {
    for (const decoy of decoys) if (decoy.signature !== paid) await decoy.matches(password);
  };

  const check = async (password: string, stored: string | undefined): Promise<PasswordCheck> => {
    const known = read(stored ?? '');
    const ok = known !== undefined && (await known.matches(password));
    const isOurs = known?.signature === ours;
    if (!ok || !isOurs) await payTheRest(password, known?.signature);
    return { ok, needsRehash: ok && !isOurs };
  };

  return {
    hash: async (password) => {
      refuseUnhashable(password);
      return queue.run(() => hashArgon2(password, argon2Options(options)));
    },
    verify: async (password, stored) => {
      if (isTooLong(password)) throw passwordTooLong({ bytesMax: passwordBytesMax });
      // Half a character has no UTF-8 of its own; it must not be taken for another half, so nothing matches it.
      return queue.run(() => check(password, password.isWellFormed() ? stored : undefined));
    },
    get stats() {
      return queue.stats;
    },
  };
}

/** A hash of nothing of our own kind, whose password nobody has, and the samples of the other kinds. */
function decoysOf(
  options: PasswordHasherOptions,
  read: (stored: string) => StoredPassword | undefined,
): readonly StoredPassword[] {
  return [dummyOf(options), ...(options.equaliseWith ?? [])].map((sample, index) => {
    const decoy = read(sample);
    if (!decoy) throw new RangeError(`Sample ${index} of a stored hash is of no known kind, or costs too much`);
    return decoy;
  });
}

/** As long as a hash of ours, with chance where the hash would be. */
function dummyOf({ memoryKiB, passes, lanes }: PasswordHasherOptions): string {
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${unpaddedChance(16)}$${unpaddedChance(32)}`;
}

function unpaddedChance(size: number): string {
  return randomBytes(size).toString('base64').replaceAll('=', '');
}

function argon2Options({ memoryKiB, passes, lanes }: PasswordHasherOptions): Parameters<typeof hashArgon2>[1] {
  // Argon2id of version 1.3 is the library's default, and its enums cannot be imported without a build step.
  return { memoryCost: memoryKiB, timeCost: passes, parallelism: lanes, outputLen: 32 };
}

function refuseWeak({ memoryKiB, passes, lanes, ...limits }: PasswordHasherOptions): void {
  const { concurrencyMax = 1, queueMax = 0, waitMsMax = 1 } = limits;
  // A queue of none is a choice; none of anything else is a mistake.
  const counts = { memoryKiB, passes, lanes, concurrencyMax, queuePlaces: queueMax + 1, waitMsMax };
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number from 1`);
  }
  const floorKiB = memoryFloorKiB[Math.min(passes, memoryFloorKiB.length) - 1] ?? memoryFloorKiB[0];
  if (memoryKiB < floorKiB) {
    throw new RangeError(
      `Argon2id with memory ${memoryKiB} KiB and ${passes} passes is below the OWASP floor: ` +
        `${passes} passes need ${floorKiB} KiB (47104 at 1, 19456 at 2, 12288 at 3, 9216 at 4, 7168 from 5)`,
    );
  }
  const { argon2MemoryKiB, argon2Passes, argon2Lanes, argon2Work } = storedCostMax;
  if (memoryKiB > argon2MemoryKiB || passes > argon2Passes || lanes > argon2Lanes || memoryKiB * passes > argon2Work) {
    throw new RangeError(
      `Argon2id takes at most ${argon2MemoryKiB} KiB, ${argon2Passes} passes, ${argon2Lanes} lanes ` +
        `and ${argon2Work} KiB times passes: one sign-in must not stop a server`,
    );
  }
}

function refuseUnhashable(password: string): void {
  if (isTooLong(password)) throw passwordTooLong({ bytesMax: passwordBytesMax });
  if (!password.isWellFormed()) throw passwordNotText();
}

/** Looks at the length first, so that a password of a megabyte costs nothing. */
function isTooLong(password: string): boolean {
  return password.length > passwordBytesMax || Buffer.byteLength(password) > passwordBytesMax;
}
