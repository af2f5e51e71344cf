import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sofipo } from '../src/service.ts';
import { inRotation, newStory, pathsOf, reads } from './replica-stories.ts';
import { writes } from './replica-writes.ts';
import { openReplicatedWorld, type ReplicatedWorld } from './replicated-world.ts';

let world: ReplicatedWorld;
beforeAll(async () => {
  world = await openReplicatedWorld();
});
afterAll(() => world.close());

/** Who may, what is proved, and events, which are kept behind the scenes, are never read from an older state. */
const readsOfPrimary = /^(auth|audit_log|event)\./;
const writesNothing = new Set(['auth.token', 'loan.simulate']);

test('every read and every write of the service has its place in the tables', () => {
  const operationsOf = (isRead: boolean): string[] =>
    sofipo.apiRoutes.filter(({ method }) => (method === 'GET') === isRead).map(({ operation }) => operation);
  const replicaReads = operationsOf(true).filter((operation) => !readsOfPrimary.test(operation));
  expect(reads.map(([operation]) => operation).toSorted()).toEqual(replicaReads.toSorted());
  const noted = operationsOf(false).filter((operation) => !writesNothing.has(operation));
  expect(writes.map(({ operation }) => operation).toSorted()).toEqual(noted.toSorted());
});

/** Something of everything that is read, on the primary, without a word to the service. */
async function changeBehind(loanId: string): Promise<void> {
  for (const statement of [
    "update clients set full_name = 'Detrás'",
    `update loans set status = 'CANCELLED' where id = '${loanId}'`,
    'update payments set reversed_at = now()',
    "update accounts set name = 'Detrás'",
    `insert into products (code, version, name, terms, limits, is_open, created_by)
     select code, version + 1, 'Detrás', terms, limits, is_open, created_by from products`,
    "insert into close_days (day, finished_at) values ('2099-12-31', now())",
    `insert into loan_positions
     select id, current_date, 5, false, 0, 0, 0, 0, 0, 0, null, null from loans where status = 'ACTIVE'`,
  ]) {
    await world.sql(statement);
  }
}

test('reads are served by the replica: what changes behind the service shows when it is replayed, not before', async () => {
  const story = await newStory(world);
  await inRotation(story);
  const changed = /Detrás|2099-12-31|"CANCELLED"|loan_not_active|"installments":\[\]|"reversed_at":"/;
  const shown = (): Promise<string[]> =>
    Promise.all(
      reads.map(async ([operation, path]) => {
        const { text } = await world.api(path(story), { token: world.tokens.auditor });
        return `${operation}: ${changed.test(text) ? 'new' : 'old'}`;
      }),
    );
  await world.whilePaused(async () => {
    await changeBehind(story.loan.id);
    expect(await shown()).toEqual(reads.map(([operation]) => `${operation}: old`));
  });
  await inRotation(story);
  // Nobody told the caches.
  await Promise.all([world.sofipo.caches.clients.clear(), world.sofipo.caches.statements.clear()]);
  expect(await shown()).toEqual(reads.map(([operation]) => `${operation}: new`));
});

describe('while the replica does not replay a write, from its answer on, everybody is shown it:', () => {
  test.each(writes)('$operation', async ({ before, write, shows }) => {
    const story = await newStory(world);
    await before?.(story);
    // What is kept from before must not be shown either.
    for (const path of Object.values(pathsOf(story))) await world.api(path);
    for (const path of Object.values(pathsOf({ ...story, client: story.bare }))) await world.api(path);
    await inRotation(story);
    await world.whilePaused(async () => {
      const { status, made } = await write(story);
      expect(status).toBeLessThan(300);
      for (const [path, shown] of shows(story, made)) {
        // A key is the same in capitals.
        const capitals = path.replaceAll(/[0-9a-f-]{36}/g, (id) => id.toUpperCase());
        // Products are for those who are signed in: somebody else then, as a stranger to the write.
        const stranger = path.startsWith('/products') ? world.tokens.auditor : undefined;
        for (const [asked, token] of [
          [path, stranger],
          [capitals, stranger],
          [path, world.tokens.admin],
        ] as const) {
          const answer = await world.api(asked, { token });
          expect([asked, `${answer.status} ${answer.text}`]).toEqual([asked, expect.stringMatching(shown)]);
        }
      }
    });
  });

  test('and in the lists of everybody, whoever wrote it', async () => {
    const story = await newStory(world);
    await inRotation(story);
    await world.whilePaused(async () => {
      const body = { client_id: story.client.id, amount: 4_321, interest_rate: 0, term_months: 1 };
      const { client_id: id } = (await world.api('/loans', { token: world.tokens.officer, body })).json();
      await world.api(`/clients/${String(id)}`, {
        method: 'PUT',
        token: world.tokens.officer,
        body: { full_name: 'Lista Demo' },
      });
      const lists = async (token?: string): Promise<string> => {
        const both = await Promise.all(
          ['/loans', '/clients'].map((path) => world.api(`${path}?limit=1000`, { token })),
        );
        return both.map(({ text }) => /4321\.00|Lista Demo/.exec(text)?.[0] ?? 'old').join(', ');
      };
      expect(await lists(world.tokens.officer)).toBe('4321.00, Lista Demo');
      // A list has no name that strangers could ask for: they see the write when the replica has it.
      expect(await lists()).toBe('old, old');
    });
  });
});
