import { readStatement, writeStatement } from '../contract.ts';
import { openDatabase } from '../open.ts';

/**
 * A process of its own, because a process has one time zone from its start: keeps the instants that it is given as
 * arguments behind the URL, and prints what it reads back, and what the server's text of them is.
 */
const [url = '', ...instants] = process.argv.slice(2);
const database = openDatabase({ url });
const isMysql = database.dialect.name === 'mysql';
const [first, second] = [database.dialect.placeholder(1), database.dialect.placeholder(2)];

const keep = writeStatement<[Date, Date], never>(
  'test.keep',
  `insert into kept (plain, zoned) values (${first}, ${second})`,
);
const text = (column: string): string => (isMysql ? `cast(${column} as char)` : `${column}::text`);
const read = readStatement<[], { plain: Date; zoned: Date; plain_text: string }>(
  'test.read',
  `select plain, zoned, ${text('plain')} as plain_text from kept order by id`,
);
const nowIs = readStatement<[], { plain: Date; zoned: Date }>(
  'test.now',
  isMysql
    ? 'select localtimestamp(6) as plain, current_timestamp(6) as zoned'
    : 'select localtimestamp as plain, now() as zoned',
);

for (const instant of instants) {
  await database.transact((tx) => tx.run(keep, [new Date(instant), new Date(instant)]));
}
const { rows } = await database.run(read, []);
const now = (await database.run(nowIs, [])).rows[0];
const secondsOff = [now?.plain, now?.zoned].map((at) => Math.round(((at?.getTime() ?? 0) - Date.now()) / 60_000));
await database.close();
process.stdout.write(
  JSON.stringify({
    offsetMinutes: new Date('2026-01-31T12:00:00Z').getTimezoneOffset(),
    kept: rows.map(({ plain, zoned, plain_text: shown }) => [plain.toISOString(), zoned.toISOString(), shown]),
    minutesOff: secondsOff,
  }),
);
