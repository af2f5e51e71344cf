import { createHash } from 'node:crypto';
import { recordAudit, redact } from '@quinta/platform/audit';
import { brokenConstraint, type Tx, writeOn } from '@quinta/platform/database';
import { summaryOf, validationFailed } from '@quinta/platform/http';
import { checkNewPassword } from '@quinta/platform/identity';
import type { Context } from '@quinta/platform/kernel';
import type { MoveAcces } from '../app.ts';
import { emailTaken } from '../problems.ts';
import { auditRules, type Member, type RegistrationInput } from './member.ts';

/** Whoever comes second with an address waits here until the first has committed. */
const holdAddress = writeOn<never, { digest: Buffer }>(
  'member.hold_address',
  (on) => `
    insert into member_registrations (email_digest, tried_at) values (:digest, ${on.now})
    ${on.overwriting(['email_digest'], ['tried_at'])}`,
);

const forget = writeOn<never, Readonly<Record<string, never>>>(
  'member.forget_addresses',
  (on) => `delete from member_registrations where tried_at < ${on.before('86400')}`,
);

/** Forgets the addresses that were held a day ago: nobody waits for them any more. */
export async function forgetRegistrations(tx: Tx): Promise<void> {
  await forget(tx, {});
}

/**
 * Registers a member: both rows of the other system and the audit row in one transaction, or none. The password is
 * hashed before anybody looks whether the address is taken, so that both take as long.
 * @throws Problem email_taken, or a 422 for a weak password
 */
export async function registerMember(app: MoveAcces, context: Context, input: RegistrationInput): Promise<Member> {
  refuseWeakPassword(app, input.password, [input.email]);
  const hash = await app.passwords.hash(input.password);
  try {
    return await app.database.transact(async (tx) => {
      await holdAddress(tx, { digest: createHash('sha256').update(input.email).digest() });
      if ((await app.members.findByEmail(tx, input.email)).length > 0) throw emailTaken();
      await app.members.insert(tx, input, hash);
      const [member] = await app.members.findByEmail(tx, input.email);
      if (!member) throw new Error('The member who was just registered is not there');
      const { password: _, ...shown } = input;
      await recordAudit(tx, context, {
        action: 'register',
        resourceType: 'user',
        resourceId: member.id,
        userId: member.id,
        newValues: redact(shown, auditRules),
      });
      return member;
    });
  } catch (error) {
    // The other system may have let the address in meanwhile, or take é for e.
    if (brokenConstraint(error) === undefined) throw error;
    throw emailTaken({}, { cause: error });
  }
}

/** @throws Problem validation_failed */
export function refuseWeakPassword(
  { config }: MoveAcces,
  password: string,
  forbidden: readonly string[],
  field = 'password',
): void {
  const errors = checkNewPassword(password, {
    forbidden,
    lengthMin: config.PASSWORD_LENGTH_MIN,
    loc: ['body', field],
  });
  if (errors.length > 0) throw validationFailed({ summary: summaryOf(errors) }, { errors });
}
