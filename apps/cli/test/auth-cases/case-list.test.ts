import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The numbers of each section; its gaps are on purpose. */
const sections = {
  A: '01 02 04 05 07 08 10 11',
  B: '01 02 04 05 07 08 10 11 13 14',
  C: '01 02 04 05 07 08',
  D: '01 02 04 05 07 08 10 11 13 14 16 17',
  E: '01 02 04 05 07 08 10 11 13 14 16 17 19 20 22',
  F: '01 02 04 05 07 08 10 11 13 14 16 17',
  G: '01 02 04 05 07 08 10 11 13 14',
  H: '01 02 04 05 07 08 10',
  I: '01 02 04 05 07 08 10 11',
  J: '01 02 04 05 07 08 10 11 13 14 16 17 19 20',
  K: '01 02 04 05 07 08 10 11',
  L: '01 02 04 05 07 08 10 11',
  M: '01 02 04 05 07 08',
} as const;
const numbers = Object.entries(sections).flatMap(([letter, all]) => all.split(' ').map((number) => letter + number));

const here = fileURLToPath(new URL('.', import.meta.url));
const service = path.resolve(here, '../../../../services/move-acces');
const page = readFileSync(path.join(service, 'CASES.md'), 'utf8');

/** What the page says of a case: the files of its tests, or why there is none. */
const rows = [...page.matchAll(/^\| ([A-M]\d\d) \| (.+) \| (.*)\|$/gm)].map(
  ([, number = '', text = '', tests = '']) => ({
    number,
    isOtherwise: text.startsWith('otherwise: '),
    files: [...tests.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => path.resolve(service, link)),
  }),
);

/** The numbers that titles of tests begin with, several where a test is about several cases. */
function titledIn(file: string): ReadonlySet<string> {
  const titles = readFileSync(file, 'utf8').matchAll(/['"`]((?:[A-M]\d\d )+)\S/g);
  return new Set([...titles].flatMap(([, found = '']) => found.trim().split(' ')));
}

const ofTwoProcesses = readdirSync(here)
  .filter((name) => name.endsWith('.test.ts') && name !== path.basename(import.meta.filename))
  .map((name) => path.join(here, name));

test('every case is on the page once', () => {
  expect(rows.map(({ number }) => number)).toEqual(numbers);
});

test('each case names a file with a test of its number, or says why there is none', () => {
  for (const { number, isOtherwise, files } of rows) {
    expect({ number, tests: files.length > 0 }).toEqual({ number, tests: !isOtherwise });
    for (const file of files) expect([number, file, titledIn(file).has(number)]).toEqual([number, file, true]);
  }
});

test('each test of a case is named on the page', () => {
  const told = new Set(rows.flatMap(({ number, files }) => files.map((file) => `${number} in ${path.basename(file)}`)));
  const titled = ofTwoProcesses.flatMap((file) =>
    [...titledIn(file)].map((number) => `${number} in ${path.basename(file)}`),
  );
  expect(titled.length).toBeGreaterThan(100);
  expect(titled.filter((one) => !told.has(one))).toEqual([]);
});
