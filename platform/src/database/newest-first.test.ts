import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realDatabases } from '../testing/real-databases.ts';
import { openScratch, type Scratch } from '../testing/scratch-database.ts';
import {
  type Condition,
  type Lead,
  type NewestFirst,
  newestFirst,
  type PageOfKeys,
  type Reach,
} from './newest-first.ts';

interface Slip {
  readonly id: number;
  readonly person: number;
  readonly kind: string;
  readonly weight: number;
  readonly created_at: Date;
}

const columns = ['id', 'person', 'kind', 'weight', 'created_at'];
const rowCount = 60;
const minute = (count: number): Date => new Date(Date.UTC(2026, 0, 31, 12, count));

/** Times neither grow with the keys nor differ from each other, or by a microsecond that no Date knows. */
const microsecond = (place: number): number => place % 2;
const slips: readonly Slip[] = Array.from({ length: rowCount }, (_, place) => ({
  id: place + 1,
  person: (place * 7) % 3,
  kind: ['draw', 'close', 'read'][(place * 5) % 7] ?? 'draw',
  weight: (place * 11) % 10,
  created_at: minute((place * 13) % 9),
}));

const instantOf = ({ id, created_at: at }: Slip): number => at.getTime() * 1_000 + microsecond(id);
const newest = slips.toSorted((one, other) => instantOf(other) - instantOf(one) || other.id - one.id);

const leads = {
  person: (value: number): Lead => ({ column: 'person', value }),
  kind: (value: string): Lead => ({ column: 'kind', value }),
  heavyKind: (value: string): Lead => ({ column: 'kind', value, also: [['weight', '>=', 5]] }),
  id: (value: number): Lead => ({ column: 'id', value, isExact: true }),
};

const kinds = fc.constantFrom('draw', 'close', 'read', 'none');
const wantedLeads = fc
  .subarray([
    fc.integer({ min: 0, max: 3 }).map(leads.person),
    kinds.map(leads.kind),
    kinds.map(leads.heavyKind),
    fc.integer({ min: 0, max: rowCount + 1 }).map(leads.id),
  ])
  .chain((chosen) => fc.tuple(...chosen));
const wantedFilters = fc.subarray<Condition>([
  ['weight', '>=', 2],
  ['weight', '<=', 7],
  ['weight', 'is not null'],
]);
const instant = fc.option(fc.integer({ min: -1, max: 10 }).map(minute), { nil: undefined });
const asked = fc.record({ leads: wantedLeads, filters: wantedFilters, from: instant, to: instant });

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`pages of what grows, on ${real.name}`, () => {
    let scratch: Scratch;
    beforeAll(async () => {
      scratch = await openScratch(real);
      await scratch.run(
        `create table slips (id integer not null primary key, person integer not null, kind varchar(9) not null,
           weight integer, created_at ${real.dialect.types.instant} not null)`,
      );
      const values = slips.map(({ id, person, kind, weight, created_at: at }) => {
        const text = at
          .toISOString()
          .replace('T', ' ')
          .replace('Z', `00${microsecond(id)}`);
        return `(${id}, ${person}, '${kind}', ${weight}, '${text}')`;
      });
      await scratch.run(`insert into slips (id, person, kind, weight, created_at) values ${values.join(', ')}`);
    });
    afterAll(() => scratch.close());

    const read = (wanted: Partial<NewestFirst>, page: PageOfKeys, reach?: Reach) =>
      newestFirst<Slip>(scratch.database, { table: 'slips', columns, leads: [], filters: [], ...wanted }, page, reach);

    it('walked to the end are all that was asked for, newest first, each row once, whatever the reach', async () => {
      const size = fc.integer({ min: 1, max: 7 });
      await fc.assert(
        fc.asyncProperty(asked, size, size, size, async (wanted, limit, ordered, scattered) => {
          const seen: Slip[] = [];
          let turns = 0;
          for (let beforeId: number | undefined; ;) {
            const { rows, next } = await read(wanted, { beforeId, limit }, { ordered, scattered });
            expect(rows.length).toBeLessThanOrEqual(limit);
            seen.push(...rows);
            turns += 1;
            if (next === undefined) break;
            beforeId = next;
          }
          expect(seen).toEqual(newest.filter((slip) => isAskedFor(slip, wanted)));
          expect(turns).toBeLessThanOrEqual(rowCount + 1);
        }),
        { numRuns: 300 },
      );
    });

    it('are short where the rows within reach are too few, and say how far they went', async () => {
      const reach = { ordered: 10, scattered: 4 };
      const light: Condition[] = [['weight', '<=', 0]];
      const isLight = ({ weight }: Slip): boolean => weight === 0;
      const [all, ofPerson] = [newest.slice(0, 10), newest.filter(({ person }) => person === 1).slice(0, 4)];
      expect(await read({ filters: light }, { limit: 3 }, reach)).toEqual({
        rows: all.filter(isLight),
        next: all.at(-1)?.id,
      });
      expect(await read({ leads: [leads.person(1)], filters: light }, { limit: 3 }, reach)).toEqual({
        rows: ofPerson.filter(isLight),
        next: ofPerson.at(-1)?.id,
      });
      const full = await read({ leads: [leads.person(1)], filters: [['weight', '>=', 0]] }, { limit: 3 }, reach);
      expect(full).toEqual({ rows: ofPerson.slice(0, 3), next: ofPerson[2]?.id });
    });

    it.each([
      ['one that ends soon', 'read', 20],
      ['the one that reaches back furthest', 'close', 4],
    ])('are led by %s, wherever it stands', async (_, kind, scattered) => {
      const [rare, common] = [leads.kind(kind), { column: '(id > 0)', value: true }];
      const found = newest.filter((slip) => slip.kind === kind).slice(0, scattered);
      for (const both of [
        [rare, common],
        [common, rare],
      ]) {
        const { rows } = await read({ leads: both }, { limit: rowCount }, { ordered: 1, scattered });
        expect(rows).toEqual(found);
      }
    });

    it('begin at the time that is asked for, where the row before them is newer', async () => {
      const [first] = newest;
      const to = minute(4);
      const { rows } = await read({ to }, { beforeId: first?.id, limit: 2 });
      expect(rows).toEqual(newest.filter(({ created_at: at }) => at < to).slice(0, 2));
    });

    it.each([0, rowCount + 1])('behind the row %i, which is not there, are empty', async (beforeId) => {
      expect(await read({}, { beforeId, limit: 3 })).toEqual({ rows: [], next: undefined });
    });
  });
}

function isAskedFor(
  slip: Slip,
  { leads: led, filters, from, to }: Pick<NewestFirst, 'leads' | 'filters' | 'from' | 'to'>,
): boolean {
  const holds = ([column, operator, value]: Condition): boolean => {
    const own = slip[column as keyof Slip];
    if (operator === '>=') return Number(own) >= Number(value);
    if (operator === '<=') return Number(own) <= Number(value);
    return true;
  };
  return (
    led.every(({ column, value, also = [] }) => slip[column as keyof Slip] === value && also.every(holds)) &&
    filters.every(holds) &&
    (!from || slip.created_at >= from) &&
    (!to || slip.created_at < to)
  );
}
