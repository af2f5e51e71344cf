import { operatorContext } from '@quinta/platform/kernel';
import { closeDays, ledgerFaults, parseCalendarDate, rebuildEvents, type Sofipo, sofipo } from '@quinta/sofipo';
import { type Command, InvalidArgumentError } from 'commander';
import { CommandFailed } from '../explain.ts';
import { withOpenServices } from '../open-services.ts';
import { untilToldToStop } from '../signals.ts';
import { print, printJson, say } from '../surroundings.ts';

/** So many faults are named; more say no more. */
const shownMax = 100;

export function addSofipoCommands(program: Command): void {
  const group = program.command('sofipo').description("SOFIPO's own commands").exitOverride();
  addLedgerCommands(group);
  addCloseDay(group);
  addEventsCommands(group);
}

function addLedgerCommands(group: Command): void {
  group
    .command('ledger')
    .description('the double entry beneath the loans')
    .exitOverride()
    .command('verify')
    .description('every entry balances, and each loan is owed what its account says; changes nothing')
    .option('--json', 'JSON')
    .addHelpText(
      'after',
      `\nExit status 0 where that holds, 1 where it does not; at most ${shownMax} faults are named.`,
    )
    .exitOverride()
    .action(async (options: { json?: boolean }) => {
      await withOpenServices([sofipo], {
        work: async ([running]) => {
          if (!running) return;
          // Opened by the line above as SOFIPO and nothing else; the host keeps such states without their types.
          const { database } = running.opened.app as Sofipo;
          const faults = await ledgerFaults(database, shownMax);
          if (options.json) printJson({ holds: faults.length === 0, faults });
          else if (faults.length === 0)
            print('The ledger holds: every entry balances, every loan agrees with its account');
          else
            for (const { kind, id, expected, found } of faults) print(`${kind} ${id}: ${found} instead of ${expected}`);
          if (faults.length > 0) throw new CommandFailed('The ledger does not hold');
        },
      });
    });
}

function addCloseDay(group: Command): void {
  group
    .command('close-day')
    .description('closes the days that are over: interest, reserves, arrears; whatever was closed stays')
    .option('--date <day>', 'up to this day, YYYY-MM-DD; default yesterday', dayOf)
    .option('--json', 'JSON')
    .addHelpText(
      'after',
      '\nDays that were missed are closed first, each for itself. A close that died is taken up where it was; several may' +
        ' run at once, and share the work. Payments go on meanwhile.',
    )
    .exitOverride()
    .action(async ({ date, json }: { date?: ReturnType<typeof dayOf>; json?: boolean }) => {
      await withOpenServices([sofipo], {
        work: async ([running]) => {
          if (!running) return;
          const app = running.opened.app as Sofipo;
          const days = await closeDays(app, operatorContext(app, 'close_day'), {
            through: date,
            signal: stopSignal(),
            onProgress: atMostEachSecond(({ day, loans }) => say(`${day}: ${loans} loans`)),
          });
          if (json) printJson({ days });
          else if (days.length === 0) print('Every day that is over is closed');
          else for (const { day, loans } of days) print(`${day} is closed: ${loans} loans`);
        },
      });
    });
}

function addEventsCommands(group: Command): void {
  group
    .command('events')
    .description('the log of what has happened')
    .exitOverride()
    .command('rebuild')
    .description('writes every event of the outbox to the document store again; what is there stays')
    .option('--json', 'JSON')
    .exitOverride()
    .action(async (options: { json?: boolean }) => {
      await withOpenServices([sofipo], {
        work: async ([running]) => {
          if (!running) return;
          const events = await rebuildEvents(running.opened.app as Sofipo, (count) => say(`${count} events`));
          if (options.json) printJson({ events });
          else print(`${events} events are written down`);
        },
      });
    });
}

function dayOf(text: string): NonNullable<ReturnType<typeof parseCalendarDate>> {
  const day = parseCalendarDate(text);
  if (day === undefined) throw new InvalidArgumentError(`"${text}" is no day; expected YYYY-MM-DD.`);
  return day;
}

/** Ends the work at its next step when the process is told to stop: what was done by then stays done. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const obey = async (): Promise<void> => {
    const reason = `Stopped by ${await untilToldToStop()}; what is closed stays closed, and the next run goes on`;
    controller.abort(new CommandFailed(reason, { exitStatus: 130 }));
  };
  void obey();
  return controller.signal;
}

function atMostEachSecond<T>(tell: (progress: T) => void): (progress: T) => void {
  let nextMs = performance.now() + 1_000;
  return (progress) => {
    if (performance.now() < nextMs) return;
    nextMs = performance.now() + 1_000;
    tell(progress);
  };
}
