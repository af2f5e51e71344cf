import { writeOn } from '@quinta/platform/database';
import { type Context, operatorContext } from '@quinta/platform/kernel';
import type { SeedReport } from '@quinta/platform/service';
import type { MoveAcces } from './app.ts';
import { giveRole } from './auth/give-role.ts';
import type { Role } from './auth/role-store.ts';
import type { Member } from './member/member.ts';
import { registerMember } from './member/register.ts';

interface DemoMember {
  readonly email: string;
  readonly role: Role;
  readonly names: readonly [first: string, last: string];
  /** Days from today on which their subscription starts and stops; undefined for none. */
  readonly subscription?: { readonly state: string; readonly from: number; readonly to: number };
}

const people: readonly DemoMember[] = [
  { email: 'staff@demo.example', role: 'staff', names: ['Anouk', 'Demo'] },
  {
    email: 'lea@demo.example',
    role: 'member',
    names: ['Léa', 'Demo'],
    subscription: { state: 'active', from: -10, to: 20 },
  },
  {
    email: 'noah@demo.example',
    role: 'member',
    names: ['Noah', 'Demo'],
    subscription: { state: 'active', from: -60, to: -30 },
  },
  {
    email: 'mia@demo.example',
    role: 'member',
    names: ['Mia', 'Demo'],
    subscription: { state: 'paused', from: -10, to: 20 },
  },
];

const dayMs = 86_400_000;

/** The other system writes these; the demo stands in for it. */
const insertSubscription = writeOn<never, Readonly<Record<string, string | number>>>(
  'demo.subscription',
  () => `
    insert into abonnement (abo_id_actual, user_id, abo_state, abo_name, abo_date_start, abo_date_stop, abo_duration,
        abo_renew, abo_price)
    values (:reference, :userId, :state, 'Mensuel Basic', :start, :stop, 30, 1, 49.90)`,
);

/** Demo members, one of them staff, with subscriptions that are good, over and paused. A second time changes nothing. */
export async function seedMoveAcces(app: MoveAcces, demoPassword: string): Promise<SeedReport> {
  const context = operatorContext(app, 'seed');
  let fresh = 0;
  for (const person of people) {
    const known = await app.members.findByEmail(app.database, person.email);
    if (known.length > 0) continue;
    const member = await registerMember(app, context, {
      email: person.email,
      password: demoPassword,
      first_name: person.names[0],
      last_name: person.names[1],
      date_naissance: '1990-05-17',
      rue: 'Rue de la Demo 1',
      npa: '1950',
      localite: 'Sion',
      tel: null,
    });
    if (person.role === 'staff') await giveRole(app, { email: person.email, role: 'staff' }, context);
    await subscribe(app, context, member, person);
    fresh += 1;
  }
  return {
    summary: fresh > 0 ? `${fresh} members` : 'demo data was there already',
    accounts: people.map(({ email: name, role }) => ({ name, role })),
  };
}

async function subscribe(
  { database }: MoveAcces,
  { clock }: Context,
  { id }: Member,
  { subscription }: DemoMember,
): Promise<void> {
  if (!subscription) return;
  const day = (offset: number): string => new Date(clock.now().getTime() + offset * dayMs).toISOString().slice(0, 10);
  await database.transact((tx) =>
    insertSubscription(tx, {
      reference: `demo-${id}`,
      userId: id,
      state: subscription.state,
      start: day(subscription.from),
      stop: day(subscription.to),
    }),
  );
}

/** An access token with a session of its own, as a sign-in would make it. */
export async function issueMoveAccesToken(
  app: MoveAcces,
  wanted: { readonly user?: string; readonly role?: string },
): Promise<string> {
  const role: Role = wanted.role === 'member' ? 'member' : 'staff';
  const email = wanted.user ?? people.find((person) => person.role === role)?.email ?? '';
  const [member] = await app.members.findByEmail(app.database, email.toLowerCase());
  if (!member) throw new Error(`There is no member "${email}"`);
  const held = await app.roleRows.find(app.database, member.id);
  const client = { address: '', userAgent: 'quinta token' };
  const refresh = await app.database.transact((tx) => app.families.begin(tx, { subject: String(member.id), client }));
  const { token } = await app.tokens.sign({
    subject: String(member.id),
    name: member.email,
    role: held,
    sessionId: refresh.familyId,
  });
  return token;
}
