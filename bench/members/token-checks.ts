import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { openDatabase } from '../../platform/src/database/index.ts';
import { authenticator, createAccessTokens, namedKeys, watchRevocations } from '../../platform/src/identity/index.ts';
import { silentLog, systemClock } from '../../platform/src/kernel/index.ts';

/**
 * How fast one process checks access tokens, as every request does: signature, claims, and whether the session has
 * ended. Run by the bench as a program of its own: `token-checks.ts <seconds>`, with DATABASE_URL and APP_SECRET.
 */
const seconds = Number(process.argv[2]);
/** More than a process remembers, so that a round over all of them finds none remembered. */
const tokensCount = 20_000;
const secret = process.env['APP_SECRET'] ?? '';
const ttlSeconds = 86_400;
const database = openDatabase({ url: process.env['DATABASE_URL'] ?? '', connectionsMax: 2 });
const revocations = watchRevocations({ database, accessTtlSeconds: ttlSeconds, log: silentLog });
const tokens = createAccessTokens({
  keys: namedKeys(secret, undefined),
  issuer: 'quinta',
  audience: 'move-acces',
  ttlSeconds,
  clock: systemClock,
});
await revocations.start();
const signed = await Promise.all(
  Array.from({ length: tokensCount }, async (_, place) => {
    const subject = { subject: String(place + 1), name: `member${place}`, role: 'member', sessionId: randomUUID() };
    return (await tokens.sign(subject)).token;
  }),
);
const check = authenticator({ tokens, revocations });

/** Goes over tokens for so long; resolves to checks a second. A bad one throws. */
async function rateOf(list: readonly string[], work: (token: string) => unknown): Promise<number> {
  const startedMs = performance.now();
  let done = 0;
  while (performance.now() - startedMs < seconds * 1_000) {
    for (const token of list) {
      const outcome = work(token);
      if (outcome instanceof Promise) await outcome;
    }
    done += list.length;
  }
  return done / ((performance.now() - startedMs) / 1_000);
}

/** The limit: one HMAC over the same bytes, compared. */
function bareMac(token: string): void {
  const end = token.lastIndexOf('.');
  const mac = createHmac('sha256', secret).update(token.slice(0, end)).digest();
  if (!timingSafeEqual(mac, Buffer.from(token.slice(end + 1), 'base64url'))) throw new Error('a bad token');
}

const firstSight = await rateOf(signed, check);
const remembered = await rateOf(signed.slice(0, 1_000), check);
const bare = await rateOf(signed, bareMac);
await revocations.stop();
await database.close();
console.log(JSON.stringify({ firstSight, remembered, bare }));
