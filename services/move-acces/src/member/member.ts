import { idParameter, plainText } from '@quinta/platform/http';
import { z } from 'zod';

/** A member as the tables of the other system have them, in the words of this service. */
export interface Member {
  readonly id: number;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  /** `1990-05-17`; null where the other system does not know it, as with the two instants. */
  readonly birthDate: string | null;
  readonly street: string;
  readonly postcode: string;
  readonly town: string;
  readonly phone: string | null;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}

/** Requests are in English and answers in French, as they always were. */
export const memberOutput = z.object({
  user_id: z.int(),
  email: z.string(),
  prenom: z.string(),
  nom: z.string(),
});

export const profileOutput = memberOutput.extend({
  date_naissance: z.iso.date().nullable(),
  rue: z.string(),
  npa: z.string(),
  localite: z.string(),
  tel: z.string().nullable(),
  created_at: z.iso.datetime().nullable(),
  updated_at: z.iso.datetime().nullable(),
});

export function memberOf({ id, email, firstName, lastName }: Member): z.output<typeof memberOutput> {
  return { user_id: id, email, prenom: firstName, nom: lastName };
}

export function profileOf(member: Member): z.output<typeof profileOutput> {
  return {
    ...memberOf(member),
    date_naissance: member.birthDate,
    rue: member.street,
    npa: member.postcode,
    localite: member.town,
    tel: member.phone,
    created_at: member.createdAt?.toISOString() ?? null,
    updated_at: member.updatedAt?.toISOString() ?? null,
  };
}

/** Lower case, because addresses that differ in case alone reach the same person. */
export const emailInput = plainText({ min: 3, max: 254 })
  .trim()
  .toLowerCase()
  .regex(/^[^\s@"'<>()[\]\\,;:]{1,64}@[^\s@.]+(?:\.[^\s@.]+)+$/, { error: 'Expected an e-mail address' })
  .meta({ format: 'email', example: 'lea@example.org' });

/** Any text: what is too long is refused before anything is hashed, and so is what is too short for a new one. */
export const passwordInput = z.string().min(1).meta({ format: 'password', maxLength: 256 });

const name = plainText({ max: 80 }).trim().min(1);
const postcode = z.string().regex(/^\d{4}$/, { error: 'Expected exactly four digits' });
const phone = plainText({ max: 24 })
  .trim()
  .regex(/^\+?[\d ()./-]{0,24}$/, { error: 'Expected a telephone number' });

const earliestBirth = '1900-01-01';

const details = {
  first_name: name,
  last_name: name,
  rue: plainText({ max: 120 }).trim().min(1),
  npa: postcode,
  localite: name,
};

export const registrationInput = z.strictObject({
  email: emailInput,
  password: passwordInput,
  ...details,
  date_naissance: z.iso.date().refine((date) => date >= earliestBirth, { error: `Expected ${earliestBirth} or later` }),
  tel: phone.nullish(),
});

export type RegistrationInput = z.output<typeof registrationInput>;

/** Fields that are left out stay; `tel: null` takes the number away. */
export const profileInput = z.strictObject({ ...details, tel: phone.nullable() }).partial();

export type ProfileInput = z.output<typeof profileInput>;

export const memberParams = z.object({ user_id: idParameter });

/** What an audit row tells of a member: who it is stands in `resource_id`, and the rest is nobody's business. */
export const auditRules = {
  secret: ['password'],
  personal: ['email', 'first_name', 'last_name', 'date_naissance', 'rue', 'npa', 'localite', 'tel'],
} as const;
