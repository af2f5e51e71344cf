import { type Actor, type Context, operatorContext, Problem } from '@quinta/platform/kernel';
import type { SeedReport } from '@quinta/platform/service';
import type { Sofipo } from './app.ts';
import { ensureUser } from './auth/ensure-user.ts';
import { findUserByName, findUserByRole, type Role } from './auth/user-store.ts';
import { tokenOf } from './auth/sign-in.ts';
import { findClientByRfc } from './client/client-store.ts';
import { registerClient } from './client/keep-client.ts';
import { grantLoan } from './loan/grant-loan.ts';
import { loanInput } from './loan/terms-input.ts';
import { registerPayment } from './payment/register-payments.ts';

const people: readonly { readonly username: string; readonly role: Role }[] = [
  { username: 'officer.demo', role: 'officer' },
  { username: 'cashier.demo', role: 'cashier' },
  { username: 'auditor.demo', role: 'auditor' },
];

/** Invented; their numbers have the shape of an RFC and belong to nobody. */
const clients = [
  { full_name: 'Lucía Demo Ramos', email: 'lucia@demo.example', rfc: 'DERL900517AB3', amount: '50000.00' },
  { full_name: 'Mateo Demo Ortiz', email: 'mateo@demo.example', rfc: 'DEOM850203CD4', amount: '120000.00' },
  { full_name: 'Demo Panadería SA de CV', email: 'pan@demo.example', rfc: 'DPA010203EF5', amount: '300000.00' },
] as const;

/** Users of each role, clients with a loan, and a payment of each loan. A second time changes nothing. */
export async function seedSofipo(app: Sofipo, demoPassword: string): Promise<SeedReport> {
  const context = operatorContext(app, 'seed');
  for (const person of people) await ensureUser(app, context, { ...person, password: demoPassword });
  const officer = await actingAs(app, context, 'officer.demo');
  let fresh = 0;
  for (const { amount, ...input } of clients) {
    if (await findClientByRfc(app.database, input.rfc)) continue;
    const { body: client } = await registerClient(app, officer, input, undefined);
    const wanted = { client_id: client.id, amount, interest_rate: '0.15', term_months: 24 };
    const { body: loan } = await grantLoan(app, officer, loanInput.parse(wanted), undefined);
    const outcome = await registerPayment(app, officer, { loanId: loan.id, amount: 250_000n, key: 'seed' });
    if (outcome.kind === 'refused' && outcome.problem instanceof Problem) throw outcome.problem;
    fresh += 1;
  }
  return {
    summary: fresh > 0 ? `${fresh} clients with a loan each` : 'demo data was there already',
    accounts: people.map(({ username: name, role }) => ({ name, role })),
  };
}

/** An access token with a session of its own, as a sign-in would make it. */
export async function issueSofipoToken(
  app: Sofipo,
  wanted: { readonly user?: string; readonly role?: string },
): Promise<string> {
  const role = wanted.role ?? 'admin';
  const user =
    wanted.user === undefined
      ? await findUserByRole(app.database, role)
      : await findUserByName(app.database, wanted.user);
  if (!user || user.disabled_at !== null) {
    throw new Error(
      wanted.user === undefined ? `No active user has the role "${role}"` : `There is no active user "${wanted.user}"`,
    );
  }
  const client = { address: '', userAgent: 'quinta token' };
  const { familyId } = await app.database.transact((tx) =>
    app.families.begin(tx, { subject: String(user.id), client }),
  );
  return (await tokenOf(app, user, familyId)).access_token;
}

async function actingAs(app: Sofipo, context: Context, username: string): Promise<Context> {
  const user = await findUserByName(app.database, username);
  if (!user) throw new Error(`There is no user "${username}"`);
  const actor: Actor = { id: String(user.id), name: user.username, role: user.role, sessionId: '' };
  return { ...context, actor };
}
