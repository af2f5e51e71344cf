import { operatorContext } from '@quinta/platform/kernel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeDays } from '../src/close/close-days.ts';
import { addDays, type CalendarDate, formatCalendarDate } from '../src/engine/index.ts';
import { newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

let world: SofipoWorld;
let today: CalendarDate;
beforeAll(async () => {
  world = await openSofipoWorld();
  today = world.sofipo.today();
});
afterAll(() => world.close());

const get = (path: string, token = world.tokens.auditor) => world.api(path, { token });
/** A loan of twelve months without interest, of which so many instalments were due by now and none was paid. */
const aged = (days: number, amount: number) =>
  newLoan(world, {
    amount,
    interest_rate: 0,
    term_months: 12,
    method: 'equal_principal',
    frequency: 'fortnightly',
    start_date: formatCalendarDate(addDays(today, -days)),
  });

interface Portfolio {
  readonly day: string;
  readonly loans: number;
  readonly balance: string;
  readonly reserve: string;
  readonly ageing: readonly Readonly<Record<string, string | number | null>>[];
}

test('before any day was closed there is nothing to report', async () => {
  expect((await get('/reports/portfolio')).json()).toMatchObject({ status: 404, code: 'day_not_closed' });
  expect((await get('/reports/collection')).json()).toEqual([]);
});

describe('a portfolio of five loans, closed yesterday', () => {
  // The first instalment falls due after 15 days, and its loan is late since: by 0, 1, 35, 65 and 95 days yesterday.
  const loans = [10_000, 12_000, 24_000, 36_000, 48_000];
  const ids: string[] = [];
  beforeAll(async () => {
    for (const [place, days] of [5, 17, 51, 81, 111].entries()) ids.push((await aged(days, loans[place] ?? 0)).id);
    await closeDays(world.sofipo, operatorContext(world.sofipo, 'close_day'));
  });

  test('has its risk at 30, 60 and 90 days, and its IMOR', async () => {
    const yesterday = formatCalendarDate(addDays(today, -1));
    expect((await get('/reports/portfolio')).json()).toMatchObject({
      day: yesterday,
      loans: 5,
      balance: '130000.00',
      par30: { amount: '108000.00', share: '0.830769' },
      par60: { amount: '84000.00', share: '0.646153' },
      par90: { amount: '48000.00', share: '0.369230' },
      imor: { amount: '48000.00', share: '0.369230' },
    });
    const { ageing, reserve } = (await get(`/reports/portfolio?date=${yesterday}`)).json<Portfolio>();
    expect(ageing.map((line) => [line['days_from'], line['days_to'], line['loans']])).toEqual([
      [0, 0, 1],
      [1, 7, 1],
      [8, 30, 0],
      [31, 60, 1],
      [61, 90, 1],
      [91, 120, 1],
      [121, 180, 0],
      [181, null, 0],
    ]);
    // 1 % of 10,000, 4 % of 12,000, 30 % of 24,000, 50 % of 36,000, 75 % of 48,000.
    expect(reserve).toBe('61780.00');
  });

  test('has its reserves by the lines of the table, with where that was read', async () => {
    const body = (await get('/reports/reserves')).json<{ lines: { percent: number; reserve: string }[] }>();
    expect(body).toMatchObject({ table: 'Anexo D, tipo I', reserve: '61780.00' });
    expect(body.lines.map(({ percent }) => percent)).toEqual([1, 4, 15, 30, 50, 75, 90, 100]);
    expect(body.lines.map(({ reserve }) => Number(reserve))).toEqual([100, 480, 0, 7_200, 18_000, 36_000, 0, 0]);
  });

  test('lists whom to ask, the longest late first, page by page', async () => {
    const rows = (await get('/reports/collection')).json<
      { loan_id: string; days_past_due: number; past_due: string }[]
    >();
    expect(rows.map(({ loan_id: id }) => id)).toEqual([ids[4], ids[3], ids[2], ids[1]]);
    expect(rows.map(({ days_past_due: days }) => days)).toEqual([95, 65, 35, 1]);
    expect(rows[0]?.past_due).toBe('28000.00');
    const page = (await get('/reports/collection?skip=1&limit=2')).json<{ loan_id: string }[]>();
    expect(page.map(({ loan_id: id }) => id)).toEqual([ids[3], ids[2]]);
    const late = (await get('/reports/collection?days_min=60')).json<unknown[]>();
    const due = formatCalendarDate(addDays(today, 10));
    const withDue = (await get(`/reports/collection?days_min=100&due_by=${due}`)).json<{ loan_id: string }[]>();
    expect([late.length, withDue.at(-1)?.loan_id]).toEqual([2, ids[0]]);
  });

  test.each(['portfolio', 'reserves', 'collection', 'trial-balance'])('%s is a CSV and a PDF, too', async (name) => {
    const path = name === 'trial-balance' ? '/ledger/trial-balance' : `/reports/${name}`;
    const csv = await get(`${path}?format=csv`);
    expect(csv.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(csv.text.trim().split(/\r?\n/).length).toBeGreaterThan(3);
    const pdf = await get(`${path}?format=pdf`);
    expect(pdf.headers.get('content-type')).toBe('application/pdf');
    expect(pdf.headers.get('content-disposition')).toMatch(/\.pdf"$/);
    expect(pdf.text).toMatch(/^%PDF-1\./);
    expect((await get(`${path}?format=xls`)).status).toBe(422);
  });

  test('is for those who may see it', async () => {
    expect((await get('/reports/portfolio', world.tokens.cashier)).status).toBe(403);
    expect((await get('/reports/collection', world.tokens.cashier)).status).toBe(200);
    expect((await world.api('/reports/portfolio')).status).toBe(401);
  });

  test('of a day that was not closed is a 404', async () => {
    expect((await get('/reports/portfolio?date=2020-01-01')).json()).toMatchObject({ code: 'day_not_closed' });
    expect((await get('/reports/portfolio?date=2020-02-31')).status).toBe(422);
  });
});
