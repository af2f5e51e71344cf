import { createHash } from 'node:crypto';
import { type Actor, type Context, operatorContext, uuidV8 } from '@quinta/platform/kernel';
import type { SeedReport } from '@quinta/platform/service';
import type { Mexa } from './app.ts';
import type { Role } from './tables.ts';
import { ensureUsuario } from './usuario/first-admin.ts';
import { findUsuarioByLogin, findUsuarioByRole } from './usuario/usuario-store.ts';
import { issueVales } from './vale/issue-vales.ts';
import { redeemVale, voidVale } from './vale/close-vale.ts';

const people: readonly { readonly username: string; readonly role: Role }[] = [
  { username: 'admin.demo', role: 'admin' },
  { username: 'cajero.demo', role: 'cajero' },
  { username: 'auditor.demo', role: 'auditor' },
  { username: 'lucia.demo', role: 'usuario' },
  { username: 'mateo.demo', role: 'usuario' },
];

const goods = [
  'Safety gloves',
  'Helmet',
  'Welding mask',
  'Ear protection',
  'Reflective vest',
  'Cutting discs',
  'Boots',
];
const valeCount = 42;

/** Demo users and vouchers in every state. All keys are fixed, so that a second time changes nothing. */
export async function seedMexa(app: Mexa, demoPassword: string): Promise<SeedReport> {
  const context = operatorContext(app, 'seed');
  const ids = new Map<string, number>();
  for (const { username, role } of people) {
    const email = `${username.replace('.demo', '')}@demo.example`;
    const { usuario } = await ensureUsuario(app, context, { username, email, role, password: demoPassword });
    ids.set(username, usuario.id);
  }
  const clerk = actingAs(context, ids.get('cajero.demo') ?? 0, 'cajero');
  const drawers = [ids.get('lucia.demo') ?? 0, ids.get('mateo.demo') ?? 0];
  const draws = Array.from({ length: valeCount }, (_, place) => ({
    key: demoKey('vale', place),
    input: {
      amount: BigInt(((place * 7_919) % 90_000) + 1_250),
      description: `${goods[place % goods.length] ?? ''} (${place + 1})`,
      user_id: drawers[place % drawers.length],
    },
  }));
  const outcomes = await issueVales(app, clerk, draws);
  const admin = actingAs(context, ids.get('admin.demo') ?? 0, 'admin');
  for (const [place, outcome] of outcomes.entries()) {
    if (outcome.kind === 'refused' || outcome.vale.state !== 'issued') continue;
    if (place % 3 === 0) await redeemVale(app, clerk, outcome.vale.id, demoKey('redeem', place));
    else if (place % 11 === 1) {
      await voidVale(app, admin, { id: outcome.vale.id, reason: 'Issued twice', key: demoKey('void', place) });
    }
  }
  const fresh = outcomes.filter(({ kind }) => kind === 'issued').length;
  return {
    summary: fresh > 0 ? `${fresh} vouchers, ${people.length} users` : 'demo data was there already',
    accounts: people.map(({ username: name, role }) => ({ name, role })),
  };
}

/** An access token with a session of its own, as a sign-in would make it. */
export async function issueMexaToken(
  app: Mexa,
  wanted: { readonly user?: string; readonly role?: string },
): Promise<string> {
  const role = wanted.role ?? 'admin';
  const user =
    wanted.user === undefined
      ? await findUsuarioByRole(app.database, role)
      : await findUsuarioByLogin(app.database, wanted.user);
  if (!user || user.disabled_at !== null) {
    throw new Error(
      wanted.user === undefined ? `No active user has the role "${role}"` : `There is no active user "${wanted.user}"`,
    );
  }
  const client = { address: '', userAgent: 'quinta token' };
  const refresh = await app.database.transact((tx) => app.families.begin(tx, { subject: String(user.id), client }));
  const { token } = await app.tokens.sign({
    subject: String(user.id),
    name: user.username,
    role: user.role,
    sessionId: refresh.familyId,
  });
  return token;
}

function actingAs(context: Context, id: number, role: Role): Context {
  const actor: Actor = { id: String(id), name: `${role}.demo`, role, sessionId: '' };
  return { ...context, actor };
}

function demoKey(kind: string, place: number): string {
  return uuidV8(createHash('sha256').update(`mexa demo ${kind} ${place}`).digest());
}
