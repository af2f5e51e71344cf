import type { ApiClient } from './api-client.ts';

/** What the API has confirmed. */
export interface Acknowledged {
  readonly clients: string[];
  /** By loan: how much was lent. */
  readonly loans: Map<string, number>;
  /** By payment: of which loan, and how much. */
  readonly payments: Map<string, { readonly loanId: string; readonly amount: number }>;
  /** Answers that no careful client should get. */
  readonly faults: string[];
}

const instalment = 100;
const paymentsMax = 10;
const faultsMax = 100;

/**
 * An officer at a desk: registers a client and corrects the name, grants a loan without interest, and takes payments,
 * two at a time, until it is paid off. The last payment makes two events of the loan in one transaction.
 */
export async function serveClients(
  api: ApiClient,
  made: Acknowledged,
  options: { readonly nextNumber: () => number; readonly isOver: () => boolean },
): Promise<void> {
  while (!options.isOver()) {
    try {
      await serveOne(api, made, options.nextNumber());
    } catch (error) {
      made.faults.push(error instanceof Error ? error.message : String(error));
      if (made.faults.length >= faultsMax) return;
    }
  }
}

async function serveOne(api: ApiClient, made: Acknowledged, number: number): Promise<void> {
  const client = await api.send('POST', '/clients', {
    full_name: `Client ${number}`,
    email: `client-${number}@chaos.example`,
    rfc: `ZZZZ${rfcTail(number)}`,
  });
  const clientId = client['id'] ?? '';
  made.clients.push(clientId);
  await api.send('PUT', `/clients/${clientId}`, { full_name: `Client number ${number}` });
  const payments = 2 + (number % (paymentsMax - 1));
  const amount = payments * instalment;
  const loan = await api.send('POST', '/loans', {
    client_id: clientId,
    amount: amount.toFixed(2),
    interest_rate: 0,
    term_months: payments,
  });
  const loanId = loan['id'] ?? '';
  made.loans.set(loanId, amount);
  for (let place = 0; place < payments; place += 2) {
    const together = Array.from({ length: Math.min(2, payments - place) }, () => pay(api, made, loanId));
    await Promise.all(together);
  }
}

async function pay(api: ApiClient, made: Acknowledged, loanId: string): Promise<void> {
  const payment = await api.send('POST', `/loans/${loanId}/payments`, { amount: instalment.toFixed(2) });
  const id = payment['id'] ?? '';
  if (made.payments.has(id)) made.faults.push(`Payment ${id} was the answer to two requests`);
  made.payments.set(id, { loanId, amount: instalment });
}

/** A date and three letters or digits that no two numbers below 46,656 share. */
function rfcTail(number: number): string {
  const day = 10 + (Math.floor(number / 36 ** 3) % 18);
  return `8001${day}${(number % 36 ** 3).toString(36).padStart(3, '0').toUpperCase()}`;
}
