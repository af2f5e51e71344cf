import type { Cached } from '@quinta/platform/keyvalue';
import { z } from 'zod';
import type { Sofipo } from '../app.ts';
import { findClient } from '../client/client-store.ts';
import { loanOf, loanOutput } from '../loan/loan.ts';
import { listLoans } from '../loan/loan-store.ts';
import { paymentOf, paymentOutput } from '../payment/payment.ts';
import { listPaymentsOfClient } from '../payment/payment-store.ts';
import { clientNotFound } from '../problems.ts';
import { everybody, nameOf } from '../read-your-writes.ts';

export const loansMax = 1_000;
export const paymentsMax = 1_000;

/** What a client owes and has paid. */
export const statementOutput = z.object({
  client_id: z.guid(),
  full_name: z.string(),
  email: z.string(),
  rfc: z.string(),
  active_loans: z.array(loanOutput),
  payment_history: z
    .array(paymentOutput)
    .meta({ description: `Of all loans, newest first, the last ${paymentsMax} of them` }),
});

export type Statement = z.output<typeof statementOutput>;

/**
 * The statement of a client, kept until something of it changes. A fill reads the replica under the client's name, as a
 * fill of a client does under the RFC: never what is older than the write that dropped what was kept.
 * @throws Problem client_not_found
 */
export function statementOf({ caches, reads }: Sofipo, clientId: string): Promise<Cached<Statement>> {
  // One snapshot: a payment between two reads would show in the one list and not in the other.
  const fill = (): Promise<Statement> =>
    reads(everybody, `client:${clientId}`).snapshot(async (db) => {
      const client = await findClient(db, clientId);
      if (!client) throw clientNotFound();
      const loans = await listLoans(db, { clientId, status: 'ACTIVE', limit: loansMax, skip: 0 });
      const payments = await listPaymentsOfClient(db, clientId, paymentsMax);
      const { id: client_id, full_name, email, rfc } = client;
      return {
        client_id,
        full_name,
        email,
        rfc,
        active_loans: loans.map(loanOf),
        payment_history: payments.map(paymentOf),
      };
    });
  return caches.statements.read({ key: clientId.toLowerCase(), tags: [nameOf(`client:${clientId}`)], fill });
}
