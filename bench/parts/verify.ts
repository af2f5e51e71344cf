import { writeStatement } from '../../platform/src/database/index.ts';
import { mexaContestant } from '../contestants/mexa.ts';
import { shortNumber, spreadText } from '../figures/numbers.ts';
import { spreadOf } from '../figures/statistics.ts';
import { countRows, loadUntil } from '../load/bulk-rows.ts';
import { untilSealed } from '../rounds/measure.ts';
import { mainScript, quintaVariables } from '../stage/quinta.ts';
import { query } from '../stage/sql.ts';
import type { BenchDatabase, Stage } from '../stage/stage.ts';
import type { Bench, Part, Section } from './part.ts';

const title = 'Verifying the audit';
const runs = 3;
const commandTimeoutMs = 900_000;
const sealTimeoutMs = 900_000;
/** What a voucher leaves behind in audit rows when it is loaded in bulk, at least. */
const auditsPerVale = 1.8;
const barRows = 1_000_000;

export const verify: Part = {
  name: 'verify',
  suite: 'mexa',
  about: 'how long `quinta audit verify mexa` takes, and whether it sees a row that was changed',
  run: async (bench) => {
    const help = await quinta(bench.stage, undefined, ['audit', '--help']);
    if (!/^\s+verify\b/m.test(help.output)) return withoutCommand;
    const database = await bench.stage.makeDatabase('verify');
    try {
      return await measureVerify(bench, database);
    } finally {
      await database.drop();
    }
  },
};

const withoutCommand: Section = {
  title,
  text: ['Not measured: this Quinta has no command `quinta audit verify`.'],
  tables: [],
  readings: [{ bar: 'verify', measured: undefined, remark: 'there is no `quinta audit verify`' }],
  leftOut: ['Verifying: this Quinta has no command `quinta audit verify`'],
  faults: [],
  data: [],
};

async function measureVerify({ stage, generator, options }: Bench, database: BenchDatabase): Promise<Section> {
  const wanted = options.verifiedRows;
  await loadUntil(stage, database, { target: Math.ceil(wanted / auditsPerVale), ofTotal: wanted });
  const sealSeconds = await sealAll(stage, { database, generator });
  await query(stage.admin, 'checkpoint');
  const { audits } = await countRows(database);
  const [seconds, faults]: [number[], string[]] = [[], []];
  for (let run = 0; run < runs; run += 1) {
    const verified = await quinta(stage, database, ['audit', 'verify', 'mexa', '--json']);
    stage.say(`  ${shortNumber(audits)} rows verified in ${shortNumber(verified.seconds)} s`);
    seconds.push(verified.seconds);
    if (verified.status !== 0) faults.push(`quinta audit verify found fault with untouched rows: ${verified.output}`);
  }
  const changedId = await changeOneRow(database);
  const afterChange = await quinta(stage, database, ['audit', 'verify', 'mexa', '--json']);
  if (afterChange.status === 0 || !afterChange.output.includes(String(changedId))) {
    faults.push(`quinta audit verify did not see that row ${changedId} was changed: ${afterChange.output}`);
  }
  const spread = spreadOf(seconds);
  const isBar = audits >= barRows;
  const remark = `measured with ${shortNumber(audits)} rows, the start of the command included`;
  return {
    title,
    text: [
      `\`quinta audit verify mexa --json\` over ${shortNumber(audits)} sealed audit rows, the start of the command ` +
        'included; afterwards one row is changed behind the back of everybody, which it must find.',
    ],
    tables: [
      {
        head: ['what', 's', 'rows a second'],
        rows: [
          ['verifying', spreadText(spread), shortNumber(audits / (spread?.median ?? NaN))],
          [
            'sealing the same rows, start of MEXA included',
            shortNumber(sealSeconds),
            shortNumber(audits / sealSeconds),
          ],
        ],
      },
    ],
    readings: [{ bar: 'verify', measured: isBar ? spread : undefined, remark }],
    leftOut: [],
    faults,
    data: { audits, seconds, sealSeconds, afterChange: afterChange.output },
  };
}

/** Starts MEXA, waits until everything is sealed and stops it; resolves to the seconds that this took, start included. */
async function sealAll(
  stage: Stage,
  { database, generator }: Pick<Bench, 'generator'> & { readonly database: BenchDatabase },
): Promise<number> {
  stage.say('  waiting until MEXA has sealed everything');
  const startedMs = performance.now();
  const running = await mexaContestant({ name: 'mexa-verify' }).start({ stage, generator, database });
  try {
    await untilSealed(stage, running, sealTimeoutMs);
    return (performance.now() - startedMs) / 1_000;
  } finally {
    await running.stop();
  }
}

const silenceTriggers = writeStatement<[], unknown>('bench', "set local session_replication_role = 'replica'");
const changeRow = writeStatement<[], { readonly id: number }>(
  'bench',
  `update audit_logs set ip_address = '10.9.9.9'
    where id = (select id from audit_logs where id >= (select max(id) / 2 from audit_logs) order by id limit 1)
    returning id`,
);

/** What a superuser can do who knows how to switch triggers off. Resolves to the row that was changed. */
function changeOneRow(database: BenchDatabase): Promise<number> {
  return database.sql.transact(async (tx) => {
    await tx.run(silenceTriggers, []);
    const { rows } = await tx.run(changeRow, []);
    if (!rows[0]) throw new Error('No audit row could be changed for the check of verifying');
    return rows[0].id;
  });
}

async function quinta(
  stage: Stage,
  database: BenchDatabase | undefined,
  words: readonly string[],
): Promise<{ readonly status: number; readonly output: string; readonly seconds: number }> {
  const urls = database ?? { ownerUrl: '', applicationUrl: '' };
  const startedMs = performance.now();
  const { status, output } = await stage.children.tryRun(process.execPath, [mainScript, ...words], {
    env: quintaVariables({ folder: stage.folder, urls, secret: stage.jwt.secret }),
    timeoutMs: commandTimeoutMs,
  });
  return { status, output, seconds: (performance.now() - startedMs) / 1_000 };
}
