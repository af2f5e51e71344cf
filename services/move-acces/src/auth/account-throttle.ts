import { recordAudit, redact } from '@quinta/platform/audit';
import { type Db, readOn } from '@quinta/platform/database';
import { hashingOverloaded } from '@quinta/platform/identity';
import type { Context } from '@quinta/platform/kernel';
import type { LimitPolicy } from '@quinta/platform/keyvalue';
import type { MoveAcces } from '../app.ts';
import { auditRules } from '../member/member.ts';
import { accountThrottled } from '../problems.ts';

const windowMs = 15 * 60_000;
/** Longer than any hash takes: after so long, the guess of a process that died no longer stands in anybody's way. */
const flightMs = 60_000;
/** A sign-in waits so long for others of the same account, looking as often. */
const waitMaxMs = 20_000;
const waitStepMs = 50;

const findKnown = readOn<{ readonly id: string }, { subject: string; address: string }>(
  'session.known_address',
  () => 'select id from refresh_families where subject = :subject and address = :address limit 1',
);

/** Whose password is tried. */
interface Account {
  readonly email: string;
  readonly userId: number | undefined;
}

/**
 * Slows down who guesses one account's password from many addresses, without shutting its owner out: once too many
 * sign-ins have failed, only addresses from which that member has signed in before may try, each with a count of its
 * own. An address that nobody has is counted and refused in the same way.
 *
 * Guesses that are being checked count as well, on every process, so that a thousand at once are no more than one after
 * the other; and because they may turn out right, the others wait for them instead of being refused.
 * @param check undefined where the password is wrong, which counts for a quarter of an hour
 * @throws Problem account_throttled or hashing_overloaded, or what `check` throws
 */
export async function asGuess<T>(
  app: MoveAcces,
  context: Context,
  account: Account,
  check: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const guess = (await enterAs(app, context, account)) ?? (await refuse(app, context, account));
  try {
    const checked = await check();
    if (checked === undefined) await guess.failed();
    return checked;
  } finally {
    await guess.over();
  }
}

/** A password that may be checked. */
interface Guess {
  failed(): Promise<void>;
  /** It is no longer being checked; after `failed`, so that it is counted all the time. */
  over(): Promise<void>;
}

async function enterAs(app: MoveAcces, { client }: Context, { email, userId }: Account): Promise<Guess | undefined> {
  const entered = await enter(app, countOf(app, 'account', email));
  if (entered || !(await isKnown(app.database, { userId, address: client.address }))) return entered;
  return enter(app, countOf(app, 'account-address', `${email} ${client.address}`));
}

async function refuse(app: MoveAcces, context: Context, { email, userId }: Account): Promise<never> {
  await app.database.transact((tx) =>
    recordAudit(tx, context, {
      action: 'login_throttled',
      resourceType: 'user',
      resourceId: userId ?? null,
      details: redact({ email }, auditRules),
    }),
  );
  const { failures, subject } = countOf(app, 'account', email);
  const { resetMs } = await app.limiter.take(failures, subject, 0);
  const seconds = Math.max(1, Math.ceil(resetMs / 1000));
  throw accountThrottled({ seconds }, { headers: { 'retry-after': String(seconds) } });
}

/** What counts the guesses of one subject: those that failed, and those that are being checked. */
interface Count {
  readonly subject: string;
  readonly failures: LimitPolicy;
  readonly flights: LimitPolicy;
}

function countOf({ config }: MoveAcces, name: string, subject: string): Count {
  const limit = config.ACCOUNT_FAILURES_PER_15MIN;
  return {
    subject,
    failures: { name, limit, windowMs },
    flights: { name: `${name}-flights`, limit, windowMs: flightMs },
  };
}

/** Undefined where too many have failed. */
async function enter(app: MoveAcces, count: Count): Promise<Guess | undefined> {
  const untilMs = performance.now() + waitMaxMs;
  for (;;) {
    const guess = await tryEnter(app, count);
    if (guess) return guess;
    if ((await failuresLeft(app, count)) <= 0) return undefined;
    if (performance.now() > untilMs) throw hashingOverloaded({ seconds: 1 }, { headers: { 'retry-after': '1' } });
    await new Promise((resolve) => setTimeout(resolve, waitStepMs));
  }
}

/**
 * Takes a place among those that are being checked, and looks at the failures only then: whoever came earlier is either
 * still among those, or has failed already. So the places and the failures together never exceed the limit.
 */
async function tryEnter(app: MoveAcces, count: Count): Promise<Guess | undefined> {
  const { limiter } = app;
  const flight = await limiter.take(count.flights, count.subject);
  if (!flight.allowed) return undefined;
  const place = flight.limit - flight.remaining;
  const over = (): Promise<void> => limiter.giveBack(count.flights, count.subject);
  if ((await failuresLeft(app, count)) >= place) {
    return { failed: async () => void (await limiter.take(count.failures, count.subject)), over };
  }
  await over();
  return undefined;
}

async function failuresLeft(app: MoveAcces, { failures, subject }: Count): Promise<number> {
  return (await app.limiter.take(failures, subject, 0)).remaining;
}

async function isKnown(
  db: Db,
  { userId, address }: { readonly userId: number | undefined; readonly address: string },
): Promise<boolean> {
  if (userId === undefined) return false;
  return (await findKnown(db, { subject: String(userId), address })).length > 0;
}
