import { plainText } from '@quinta/platform/http';
import { z } from 'zod';
import { normalizeRfc, parseRfc } from './rfc.ts';

/** A row of `clients`. */
export interface ClientRow {
  readonly id: string;
  readonly full_name: string;
  readonly email: string;
  readonly rfc: string;
  readonly created_at: Date;
}

/** A client as other systems read it. */
export const clientOutput = z
  .object({
    id: z.guid(),
    full_name: z.string(),
    email: z.string(),
    rfc: z.string(),
    rfc_check: z.enum(['ok', 'mismatch', 'generic']).meta({ description: 'What the check digit of the RFC says' }),
    created_at: z.iso.datetime(),
  })
  .meta({
    example: {
      id: '0190f3a2-5c1e-7a43-9a51-0f2a6d1c9e11',
      full_name: 'Carlos Perez',
      email: 'carlos.perez@example.com',
      rfc: 'PEPJ800101HNE',
      rfc_check: 'mismatch',
      created_at: '2026-01-31T15:04:05.000Z',
    },
  });

export type Client = z.output<typeof clientOutput>;

export function clientOf(row: ClientRow): Client {
  return {
    id: row.id,
    full_name: row.full_name,
    email: row.email,
    rfc: row.rfc,
    // The earlier system took any text of 12 or 13 letters.
    rfc_check: parseRfc(row.rfc)?.check ?? 'mismatch',
    created_at: row.created_at.toISOString(),
  };
}

const rfcInput = z
  .string()
  .max(40)
  .transform((text, check) => {
    const rfc = parseRfc(text);
    if (rfc) return rfc.rfc;
    const message = 'Expected an RFC: 4 letters (a company 3), a date as YYMMDD, 3 letters or digits';
    check.addIssue({ code: 'custom', message, params: { type: 'rfc' } });
    return z.NEVER;
  })
  .meta({ type: 'string', example: 'PEPJ800101HNE' });

/** Lower case, because addresses that differ in case alone reach the same person. */
const emailInput = plainText({ min: 3, max: 254 })
  .trim()
  .toLowerCase()
  .regex(/^[^\s@"'<>()[\]\\,;:]{1,64}@[^\s@.]+(?:\.[^\s@.]+)+$/, { error: 'Expected an e-mail address' })
  .meta({ format: 'email', example: 'carlos.perez@example.com' });

const fullName = plainText({ max: 255 }).trim().min(1);

export const clientInput = z.strictObject({ full_name: fullName, email: emailInput, rfc: rfcInput });
export type ClientInput = z.output<typeof clientInput>;

/** The RFC stays what it is: it says who the client is. */
export const clientChangeInput = z.strictObject({ full_name: fullName.optional(), email: emailInput.optional() });
export type ClientChange = z.output<typeof clientChangeInput>;

/** An RFC in a path, however it is written; what cannot be one is nobody's. */
export const rfcParams = z.object({
  rfc: plainText({ min: 1, max: 40 }).transform(normalizeRfc).meta({ type: 'string', example: 'PEPJ800101HNE' }),
});

/** What an audit row tells of a client: who it is stands in `resource_id`. */
export const auditRules = { secret: [], personal: ['full_name', 'email', 'rfc'] } as const;

/** What the audit and the events compare and tell. */
export function factsOf({ full_name, email, rfc }: ClientRow): Readonly<Record<string, string>> {
  return { full_name, email, rfc };
}
