import { readFile } from 'node:fs/promises';
import {
  type AuditVerdict,
  eraseFromAudit,
  erasureAction,
  inclusionBody,
  ledgerOrigin,
  notesIn,
  verifyAudit,
} from '@quinta/platform/audit';
import { openDatabase, readOn } from '@quinta/platform/database';
import type { RunningService } from '@quinta/platform/service';
import type { Command } from 'commander';
import { CommandFailed } from '../explain.ts';
import { withOpenServices } from '../open-services.ts';
import { showProgress } from '../progress.ts';
import { serviceNamed, UsageError } from '../services.ts';
import { print, printJson, withPlacement } from '../surroundings.ts';

/** Reading a window of a large table may take its time; nobody waits for it. */
const statementTimeoutMs = 120_000;

const gathered = (value: string, values: readonly string[]): string[] => [...values, value];

export function addProofCommands(audit: Command): void {
  audit
    .command('verify <service>')
    .description('compares every audit row with what was sealed and signed; exit status 1 where one is wrong')
    .option('--checkpoint <file>', 'checkpoints that were kept elsewhere (may be repeated)', gathered, [])
    .option('--key <key>', 'a verifier key that was kept elsewhere (may be repeated)', gathered, [])
    .option('--json', 'JSON')
    .exitOverride()
    .action((name: string, options: VerifyCommandOptions) => verify(name, options));
  audit
    .command('proof <service> <id>')
    .description('prints that one audit row stands in the signed tree, as JSON for verifier/verify-audit.mjs')
    .option('--size <rows>', 'under the checkpoint of so many rows (default: the newest)')
    .exitOverride()
    .action((name: string, id: string, options: { size?: string }) => prove(name, id, options));
  audit
    .command('checkpoint <service>')
    .description('seals what is there and prints the newest signed checkpoint: keep it where nobody here can reach it')
    .option('--key', 'print the keys that verify checkpoints instead')
    .option('--json', 'JSON')
    .exitOverride()
    .action((name: string, options: { key?: boolean; json?: boolean }) => checkpoint(name, options));
  audit
    .command('erase <service>')
    .description("erases a user's personal data from the audit; every proof stays valid. There is no way back")
    .requiredOption('--user <id>', 'key of the user')
    .requiredOption('--reason <text>', 'kept in the audit')
    .option('--yes', 'do it: without this only what would be erased is said')
    .exitOverride()
    .action((name: string, options: EraseCommandOptions) => erase(name, options));
}

interface VerifyCommandOptions {
  readonly checkpoint: readonly string[];
  readonly key: readonly string[];
  readonly json?: boolean;
}

async function verify(name: string, options: VerifyCommandOptions): Promise<void> {
  const service = serviceNamed(name);
  const keptNotes = await keptIn(options.checkpoint);
  const progress = showProgress('rows');
  const verdict = await withPlacement(
    [service],
    async ({ placed: [placed] }) => {
      const url = placed?.applicationUrl ?? '';
      const database = openDatabase({ url, connectionsMax: 1, statementTimeoutMs });
      const wanted = {
        origin: ledgerOrigin(name),
        keptNotes,
        trustedKeys: options.key,
        onProgress: (rows: number) => progress.add(rows),
      };
      try {
        return await database.transact((tx) => verifyAudit(tx, wanted), { isolation: 'repeatable read' });
      } finally {
        await database.close();
      }
    },
    { isQuiet: true },
  );
  progress.end();
  if (options.json) printJson(verdictBody(verdict));
  else print(verdictSentence(verdict));
  if (!verdict.isSound) process.exitCode = 1;
}

async function keptIn(files: readonly string[]): Promise<string[]> {
  const notes: string[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new UsageError(`--checkpoint ${file} cannot be read: ${String(error)}`, { cause: error });
    });
    const found = notesIn(text);
    if (found.length === 0) throw new UsageError(`--checkpoint ${file} holds no checkpoint`);
    notes.push(...found);
  }
  return notes;
}

function verdictBody({ isSound, fault, origin, rows, size, checkpoints, unsealed }: AuditVerdict): object {
  const first = fault && { kind: fault.kind, audit_log_id: fault.auditId ?? null, message: fault.message };
  return { sound: isSound, fault: first ?? null, origin, rows, size, checkpoints, unsealed };
}

function verdictSentence({ fault, rows, checkpoints, unsealed, origin }: AuditVerdict): string {
  if (fault) return `NOT SOUND: ${fault.message}`;
  const waiting = unsealed > 0 ? `; ${unsealed} newer ids are not sealed yet` : '';
  return `Sound: ${rows} rows of ${origin} are what was sealed and signed in ${checkpoints} checkpoints${waiting}`;
}

function prove(name: string, id: string, { size }: { readonly size?: string }): Promise<void> {
  const auditId = wholeNumber('<id>', id);
  const treeSize = size === undefined ? undefined : wholeNumber('--size', size);
  return withService(name, async ({ placed: { service }, opened, ledger }) => {
    const asked = {
      action: 'read',
      resourceType: 'audit_log',
      resourceId: null,
      details: { id: auditId, proof: true },
    };
    await service.recordDeed(opened.app, 'audit_log.proof', asked);
    printJson(await inclusionBody(ledger, auditId, treeSize));
  });
}

function checkpoint(name: string, options: { readonly key?: boolean; readonly json?: boolean }): Promise<void> {
  return withService(name, async ({ ledger }) => {
    await ledger.seal();
    const keys = await ledger.keys();
    const [newest] = await ledger.checkpoints({ limit: 1 });
    if (!newest) throw new CommandFailed('There is nothing to sign: the audit has no rows');
    const { origin, size, root, time, number, key, note } = newest;
    if (options.json) printJson({ origin, size, root: root.toString('base64'), time, number, key, note, keys });
    else if (options.key) print(keys.join('\n'));
    else print(note.trimEnd());
  });
}

interface EraseCommandOptions {
  readonly user: string;
  readonly reason: string;
  readonly yes?: boolean;
}

const countRows = readOn<{ readonly rows: number | string }, { user: string; resource: string }>(
  'audit.count_personal',
  (on) => `
    select count(*) as rows
      from audit_logs
     where ${on.asText('user_id')} = :user or (resource_type = :resource and ${on.asText('resource_id')} = :user)`,
);

const findOrder = readOn<{ readonly id: number | string | null }, { user: string; resource: string }>(
  'audit.find_order',
  (on) => `
    select max(id) as id
      from audit_logs
     where action = '${erasureAction}' and resource_type = :resource and ${on.asText('resource_id')} = :user`,
);

async function erase(name: string, options: EraseCommandOptions): Promise<void> {
  const userId = wholeNumber('--user', options.user);
  await withService(name, async ({ placed, opened, ledger }) => {
    const { service, ownerUrl } = placed;
    const owner = openDatabase({ url: ownerUrl, connectionsMax: 1, statementTimeoutMs });
    try {
      const person = { user: String(userId), resource: service.personResource };
      const rows = Number((await countRows(owner, person))[0]?.rows ?? 0);
      if (rows === 0) throw new CommandFailed(`The audit has no rows of user ${userId}`);
      if (!options.yes) {
        print(`${rows} audit rows of user ${userId} would lose addresses, programs and values. Add --yes to do it`);
        return;
      }
      const { personResource } = service;
      await service.recordDeed(opened.app, 'audit_log.erase', {
        action: erasureAction,
        resourceType: personResource,
        resourceId: userId,
        details: { reason: options.reason },
      });
      await ledger.seal();
      const erasureId = Number((await findOrder(owner, person))[0]?.id ?? 0);
      const progress = showProgress('rows');
      const emptied = await eraseFromAudit(owner, { userId, personResource, erasureId }, (done) => progress.add(done));
      progress.end();
      print(`Erased from ${emptied} parts of audit rows; audit row ${erasureId} says why`);
    } finally {
      await owner.close();
    }
  });
}

async function withService(name: string, work: (running: RunningService) => Promise<void>): Promise<void> {
  await withOpenServices([serviceNamed(name)], {
    isQuiet: true,
    work: async ([running]) => {
      if (running) await work(running);
    },
  });
}

function wholeNumber(what: string, text: string): number {
  const number = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new UsageError(`${what} is "${text}", but should be a whole number from 1`);
  return number;
}
