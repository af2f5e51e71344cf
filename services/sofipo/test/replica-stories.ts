import type { ReplicatedWorld } from './replicated-world.ts';
import { type LoanAnswer, newClient, newLoan } from './sofipo-world.ts';

export interface ClientAnswer {
  readonly id: string;
  readonly rfc: string;
}

/** A client with a loan and a payment of it, and a loan that nobody has approved yet; and a client without a loan. */
export interface Story {
  readonly world: ReplicatedWorld;
  readonly client: ClientAnswer;
  readonly loan: LoanAnswer;
  readonly paymentId: string;
  readonly bare: ClientAnswer;
  readonly requested: LoanAnswer;
  /** The code of the product of the loan that was requested. */
  readonly product: string;
}

let stories = 0;

export async function newStory(world: ReplicatedWorld): Promise<Story> {
  const loan = await newLoan(world);
  const client = (await world.api(`/clients/id/${loan.client_id}`)).json<ClientAnswer>();
  const { tokens } = world;
  const paid = await world.api(`/loans/${loan.id}/payments`, { token: tokens.cashier, body: { amount: 2_500 } });
  const bare = (await world.api('/clients', { token: tokens.officer, body: newClient() })).json<ClientAnswer>();
  const product = `aprobado-${(stories += 1)}`;
  const content = { code: product, name: 'Con aprobación', limits: { approval_above: 100 } };
  await world.api('/products', { token: tokens.admin, body: content });
  const asked = { client_id: client.id, product, amount: 1_000, interest_rate: 0.15, term_months: 3 };
  const requested = (await world.api('/loans', { token: tokens.officer, body: asked })).json<LoanAnswer>();
  return { world, client, loan, paymentId: paid.json<{ id: string }>().id, bare, requested, product };
}

type PathName = 'byRfc' | 'byId' | 'loan' | 'loans' | 'schedule' | 'payoff' | 'payments' | 'statement';

/** What a story is read by. */
export const pathsOf = ({ client, loan }: Pick<Story, 'client' | 'loan'>): Readonly<Record<PathName, string>> => ({
  byRfc: `/clients/${client.rfc}`,
  byId: `/clients/id/${client.id}`,
  loan: `/loans/${loan.id}`,
  loans: `/loans?client_id=${client.id}`,
  schedule: `/loans/${loan.id}/schedule`,
  payoff: `/loans/${loan.id}/payoff`,
  payments: `/loans/${loan.id}/payments`,
  statement: `/loans/clients/${client.id}/account-statement`,
});

export const productPaths = (code: string): string[] => [`/products/${code}`, `/products/${code}/versions`];

/** Resolves when everybody's reads of a story go to the replica. */
export const inRotation = ({ world, client, loan, bare, requested, product }: Story): Promise<void> =>
  world.inRotation(
    ...[client, bare].flatMap(({ id, rfc }) => [`client:${id}`, `rfc:${rfc}`] as const),
    `loan:${loan.id}`,
    `loan:${requested.id}`,
    `product:${product}`,
  );

/** Everything that is read from the replica, by path. */
export const reads: readonly (readonly [operation: string, path: (story: Story) => string])[] = [
  ['client.find_by_rfc', (story) => pathsOf(story).byRfc],
  ['client.list', () => '/clients?limit=1000'],
  ['client.find', (story) => pathsOf(story).byId],
  ['loan.list', () => '/loans?limit=1000'],
  ['loan.find', (story) => pathsOf(story).loan],
  ['loan.schedule', (story) => pathsOf(story).schedule],
  ['loan.payoff', (story) => pathsOf(story).payoff],
  ['payment.list', (story) => pathsOf(story).payments],
  ['statement.find', (story) => pathsOf(story).statement],
  ['ledger.trial_balance', () => '/ledger/trial-balance'],
  ['product.list', () => '/products'],
  ['product.find', ({ product }) => `/products/${product}`],
  ['product.versions', ({ product }) => `/products/${product}/versions`],
  ['report.portfolio', () => '/reports/portfolio'],
  ['report.reserves', () => '/reports/reserves'],
  ['report.collection', () => '/reports/collection?limit=1000'],
];

interface Written {
  readonly status: number;
  /** The key of what was made, if anything was. */
  readonly made: string;
}

/** A write, and what everybody must be shown from its answer on. */
export interface Write {
  readonly operation: string;
  /** What it needs, before the replica stands still. */
  readonly before?: (story: Story) => Promise<unknown>;
  readonly write: (story: Story) => Promise<Written>;
  /** Paths, each with what its answer holds: status and text. */
  readonly shows: (story: Story, made: string) => readonly (readonly [path: string, shown: RegExp])[];
}

/** Sends it as an admin. */
export async function send(
  { world }: Story,
  path: string,
  request: { readonly method: string; readonly body?: unknown },
): Promise<Written> {
  const answer = await world.api(path, { ...request, token: world.tokens.admin });
  return { status: answer.status, made: answer.text === '' ? '' : (answer.json<{ id?: string }>().id ?? '') };
}

/** The same of several paths. */
export const all = (shown: RegExp, ...paths: readonly string[]): readonly (readonly [string, RegExp])[] =>
  paths.map((path) => [path, shown]);
