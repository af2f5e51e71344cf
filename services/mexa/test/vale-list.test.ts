import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Vale } from '../src/vale/vale.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { newPerson, type Person } from './people.ts';
import { expectProblem } from './problem-body.ts';
import { sql } from './sql.ts';
import { newVale } from './vouchers.ts';

interface Page {
  readonly vales: readonly Vale[];
  readonly count: number;
  readonly limit: number;
  readonly next: string | null;
}

let world: MexaWorld;
let ana: Person;
let luis: Person;
/** Six vouchers of two new users on the days of January 2020, oldest first; every test asks of these users. */
let made: Vale[];

const drawings: readonly [amount: string, description: string | null, whose: 'ana' | 'luis'][] = [
  ['1.00', 'Guantes 100%', 'ana'],
  ['2.00', 'guantes_de nitrilo', 'ana'],
  ['3.00', 'Casco', 'luis'],
  ['4.00', null, 'ana'],
  ['5.00', String.raw`Botas \ piel`, 'ana'],
  ['6.00', 'Chaleco', 'luis'],
];

beforeAll(async () => {
  world = await openMexaWorld();
  [ana, luis] = [await newPerson(world), await newPerson(world)];
  made = [];
  for (const [place, [amount, description, whose]] of drawings.entries()) {
    const owner = whose === 'ana' ? ana.id : luis.id;
    // Only the service's own rows are immutable: the owner's role writes days of the past by hand.
    const [row] = await sql<{ id: number }>(
      world.owner,
      `insert into vales (user_id, amount, description, request_id, created_at)
       values ($1, $2, $3, gen_random_uuid(), $4) returning id`,
      [owner, amount, description, `2020-01-0${place + 1} 12:00:00`],
    );
    made.push((await world.api(`/vales/${row?.id}`, { token: world.tokens.admin })).json<Vale>());
  }
  await world.api(`/vales/${made[0]?.id}/redeem`, { method: 'POST', token: world.tokens.cajero });
  await world.api(`/vales/${made[4]?.id}/void`, { token: world.tokens.admin, body: { reason: 'x' } });
});
afterAll(() => world.close());

const list = async (query: string): Promise<Page> => {
  const answer = await world.api(`/vales?${query}`, { token: world.tokens.auditor });
  expect(answer.status).toBe(200);
  return answer.json<Page>();
};

/** Which of the six a list has, by their places, in its order. */
const places = (page: Page): number[] => page.vales.map(({ id }) => made.findIndex((vale) => vale.id === id));

describe('a list', () => {
  test.each<[string, string, number[]]>([
    ['a user', 'user_id=ANA', [4, 3, 1, 0]],
    ['another user', 'user_id=LUIS', [5, 2]],
    ['what is issued', 'user_id=ANA&state=issued', [3, 1]],
    ['what is redeemed', 'user_id=ANA&state=redeemed', [0]],
    ['what is void', 'user_id=ANA&state=void', [4]],
    ['from an instant on, itself included', 'to=2020-01-31&from=2020-01-05T12:00:00Z', [5, 4]],
    ['before an instant, itself left out', 'from=2020-01-01&to=2020-01-02T12:00:00Z', [0]],
    ['one day', 'from=2020-01-03&to=2020-01-04', [2]],
    ['an instant with an offset', 'to=2020-02-01&from=2020-01-06T14:00:00%2B02:00', [5]],
    ['an amount from, itself included', 'user_id=ANA&amount_min=4', [4, 3]],
    ['an amount up to, itself included', 'user_id=ANA&amount_max=2.00', [1, 0]],
    ['an amount between', 'to=2020-02-01&amount_min=2.5&amount_max=3.01', [2]],
    ['an amount from nothing', 'user_id=ANA&amount_min=0&amount_max=1', [0]],
    ['an amount below nothing', 'user_id=ANA&amount_max=-0.01', []],
    ['a text, whatever its case', 'to=2020-02-01&q=GUANTES', [1, 0]],
    ['a percent sign, which is no pattern', 'to=2020-02-01&q=%25', [0]],
    ['a low line, which is no pattern', 'to=2020-02-01&q=_', [1]],
    ['a backslash', 'to=2020-02-01&q=%5C', [4]],
    ['all at once', 'user_id=ANA&state=issued&from=2020-01-02&to=2020-01-05&amount_min=2&amount_max=2&q=nitrilo', [1]],
    ['nothing that is there', 'user_id=ANA&q=zapatos', []],
  ])('by %s', async (_, query, expected) => {
    const page = await list(query.replace('ANA', String(ana.id)).replace('LUIS', String(luis.id)));
    expect(places(page)).toEqual(expected);
    expect(page).toMatchObject({ count: expected.length, limit: 100, next: null });
  });

  test.each([
    ['from=2020-01-02&to=2020-01-02', 'to'],
    ['from=2020-01-02&to=2020-01-01', 'to'],
    ['from=2020-01-02&to=2020-01-01&format=csv', 'to'],
    ['from=yesterday', 'from'],
    ['from=2020-13-01', 'from'],
    ['to=2020-02-30', 'to'],
    ['state=open', 'state'],
    ['user_id=0', 'user_id'],
    ['user_id=x', 'user_id'],
    ['amount_min=x', 'amount_min'],
    ['amount_max=1.005', 'amount_max'],
    ['amount_min=100000000', 'amount_min'],
    ['amount_min=-100000000', 'amount_min'],
    ['q=', 'q'],
    [`q=${'x'.repeat(101)}`, 'q'],
    ['q=%00', 'q'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=x', 'limit'],
    ['format=xml', 'format'],
    ['cursor=', 'cursor'],
    ['cursor=x', 'cursor'],
    [`cursor=${Buffer.from('[1,2]').toString('base64url')}`, 'cursor'],
    [`cursor=${Buffer.from('["abc"]').toString('base64url')}`, 'cursor'],
    [`cursor=${Buffer.from('["1"]').toString('base64url')}`, 'cursor'],
    [`cursor=${Buffer.from('[9007199254740991]').toString('base64url')}`, 'cursor'],
    [`cursor=${Buffer.from('[1.5]').toString('base64url')}`, 'cursor'],
    [`cursor=${Buffer.from('{"id":1}').toString('base64url')}`, 'cursor'],
    ['state=issued&state=void', 'state'],
  ])('of %s is a 422 that names the field', async (query, field) => {
    const answer = await world.api(`/vales?${query}`, { token: world.tokens.auditor });
    expect(expectProblem(answer, 422, 'validation_failed').errors?.[0]?.loc.slice(0, 2)).toEqual(['query', field]);
  });
});

describe('pages', () => {
  test('walk all rows once each, newest first, while new ones are drawn', async () => {
    const before = (await list('limit=1000')).vales.map(({ id }) => id);
    expect(before.length).toBeGreaterThan(40);
    const seen: number[] = [];
    let next: string | null = null;
    do {
      const page: Page = await list(`limit=7${next === null ? '' : `&cursor=${next}`}`);
      expect(page.count).toBe(page.vales.length);
      expect(page.limit).toBe(7);
      seen.push(...page.vales.map(({ id }) => id));
      next = page.next;
      await newVale(world);
    } while (next !== null);
    expect(seen).toEqual(before);
  });

  test('keep to their filter, and the last one has no next even where it is full', async () => {
    const first = await list(`user_id=${ana.id}&limit=2`);
    const second = await list(`user_id=${ana.id}&limit=2&cursor=${first.next}`);
    expect([places(first), places(second), second.next]).toEqual([[4, 3], [1, 0], null]);
  });
});

describe('a list of vouchers that came in another order than their times', () => {
  test('is in the order of time, whatever their keys', async () => {
    const person = await newPerson(world);
    const days = ['03', '01', '04', '02'];
    const ids: number[] = [];
    for (const day of days) {
      const [row] = await sql<{ id: number }>(
        world.owner,
        `insert into vales (user_id, amount, request_id, created_at)
         values ($1, 1, gen_random_uuid(), $2) returning id`,
        [person.id, `2019-05-${day} 12:00:00`],
      );
      ids.push(row?.id ?? 0);
    }
    const first = await list(`user_id=${person.id}&limit=3`);
    const second = await list(`user_id=${person.id}&limit=3&cursor=${first.next}`);
    expect([...first.vales, ...second.vales].map(({ id }) => ids.indexOf(id))).toEqual([2, 0, 3, 1]);
    const days2to3 = await list(`from=2019-05-02&to=2019-05-04&user_id=${person.id}`);
    expect(days2to3.vales.map(({ id }) => ids.indexOf(id))).toEqual([0, 3]);
  });
});

describe('a voucher behind thousands of others', () => {
  let owner: Person;
  beforeAll(async () => {
    owner = await newPerson(world);
    await sql(
      world.owner,
      `insert into vales (user_id, amount, description, request_id, created_at)
       select $1, 1, case when n = 0 then 'aguja' else 'paja' end, gen_random_uuid(),
           timestamp '2018-01-01' + interval '1 minute' * n
         from generate_series(0, 4500) n`,
      [owner.id],
    );
  });

  test('is found, though no page looks at all of them: some have no row and go on', async () => {
    const query = `user_id=${owner.id}&q=aguja`;
    const sizes: number[] = [];
    let page = await list(query);
    for (; page.next !== null; page = await list(`${query}&cursor=${page.next}`)) sizes.push(page.count);
    expect([sizes, page.vales.map(({ description }) => description)]).toEqual([[0, 0], ['aguja']]);
  });

  test('is in the CSV', async () => {
    const query = `user_id=${owner.id}&q=aguja&format=csv`;
    const { text } = await world.api(`/vales?${query}`, { token: world.tokens.auditor });
    expect(text.match(/aguja/g)).toHaveLength(1);
  });
});

describe('as CSV', () => {
  const rowsOf = (text: string): string[][] =>
    text
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(','));

  test('a list has the rows and the fields of the JSON, all pages in one', async () => {
    const page = await list(`user_id=${luis.id}`);
    const answer = await world.api(`/vales?user_id=${luis.id}&format=csv&limit=1`, { token: world.tokens.auditor });
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="vales.csv"');
    const [header = [], ...rows] = rowsOf(answer.text);
    expect(header).toEqual(Object.keys(page.vales[0] ?? {}));
    expect(rows).toEqual(page.vales.map((vale) => Object.values(vale).map((value) => String(value ?? ''))));
  });

  test('more rows than one read fetches come whole', async () => {
    await sql(
      world.owner,
      `insert into vales (user_id, amount, description, request_id)
       select $1, 1, 'muchos', gen_random_uuid() from generate_series(1, 2500)`,
      [luis.id],
    );
    const { text } = await world.api('/vales?q=muchos&format=csv', { token: world.tokens.auditor });
    const ids = rowsOf(text)
      .slice(1)
      .map(([id]) => Number(id));
    expect(ids).toHaveLength(2500);
    expect(ids).toEqual([...new Set(ids)].toSorted((left, right) => right - left));
  });

  test.each([
    ['=1+1', `'=1+1`],
    ['+1', `'+1`],
    ['+cmd', `'+cmd`],
    ['-2', '-2'],
    ['-cmd', `'-cmd`],
    ['@SUM(A1)', `'@SUM(A1)`],
    ['\tx', `'\tx`],
    ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ['two\nlines', '"two\nlines"'],
    ['plain', 'plain'],
  ])('a description %j is %j, which no spreadsheet runs', async (description, cell) => {
    const person = await newPerson(world);
    const vale = await newVale(world, { description, user_id: person.id });
    const { text } = await world.api(`/vales?user_id=${person.id}&format=csv`, { token: world.tokens.auditor });
    const body = text.slice(text.indexOf('\r\n') + 2);
    expect(body.startsWith(`${vale.id},${person.id},${vale.request_id},10.00,${cell},issued,`)).toBe(true);
  });
});

describe('an ETag', () => {
  const get = (id: number, tag?: string) =>
    world.api(`/vales/${id}`, { token: world.tokens.admin, headers: tag ? { 'if-none-match': tag } : {} });

  test('spares the body until the voucher changes', async () => {
    const { id } = await newVale(world);
    const first = await get(id);
    const tag = first.headers.get('etag') ?? '';
    expect(tag).toMatch(/^W\/"[\w-]+"$/);
    const same = await get(id, `"other", ${tag}`);
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', tag]);
    expect((await get(id, '"other"')).status).toBe(200);
    await world.api(`/vales/${id}`, { method: 'PATCH', token: world.tokens.admin, body: { description: 'new' } });
    const changed = await get(id, tag);
    expect([changed.status, changed.headers.get('etag') === tag]).toEqual([200, false]);
  });
});
