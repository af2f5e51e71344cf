import { type Db, readOn } from '@quinta/platform/database';
import type { LimitPolicy } from '@quinta/platform/keyvalue';
import type { MoveAcces } from '../app.ts';
import { accountThrottled } from '../problems.ts';

const windowMs = 15 * 60_000;

const findKnown = readOn<{ readonly id: string }, { subject: string; address: string }>(
  'session.known_address',
  () => 'select id from refresh_families where subject = :subject and address = :address limit 1',
);

/**
 * Slows down who guesses one account's password from many addresses, without shutting its owner out: once too many
 * sign-ins have failed, only addresses from which that member has signed in before may try, each with a count of its
 * own. An address that nobody has is counted and refused in the same way.
 */
export interface AccountThrottle {
  /** @throws Problem account_throttled */
  admit(app: MoveAcces, attempt: Attempt): Promise<void>;
  /** Counts a sign-in that failed. */
  failed(app: MoveAcces, attempt: Attempt): Promise<void>;
}

interface Attempt {
  readonly email: string;
  readonly userId: number | undefined;
  readonly address: string;
}

export const accountThrottle: AccountThrottle = {
  admit: async (app, attempt) => {
    const account = await app.limiter.take(accountPolicy(app), attempt.email, 0);
    if (account.remaining > 0) return;
    if (await isKnown(app.database, attempt)) {
      const own = await app.limiter.take(knownPolicy(app), `${attempt.email} ${attempt.address}`, 0);
      if (own.remaining > 0) return;
    }
    const seconds = Math.max(1, Math.ceil(account.resetMs / 1000));
    throw accountThrottled({ seconds }, { headers: { 'retry-after': String(seconds) } });
  },
  failed: async (app, { email, address }) => {
    await app.limiter.take(accountPolicy(app), email);
    await app.limiter.take(knownPolicy(app), `${email} ${address}`);
  },
};

async function isKnown(db: Db, { userId, address }: Attempt): Promise<boolean> {
  if (userId === undefined) return false;
  return (await findKnown(db, { subject: String(userId), address })).length > 0;
}

function accountPolicy({ config }: MoveAcces): LimitPolicy {
  return { name: 'account', limit: config.ACCOUNT_FAILURES_PER_15MIN, windowMs };
}

function knownPolicy(app: MoveAcces): LimitPolicy {
  return { ...accountPolicy(app), name: 'account-address' };
}
