import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { parseInstant } from '@quinta/platform/kernel';
import { auditBundle } from '@quinta/platform/audit';
import { openDatabase } from '@quinta/platform/database';
import type { AuditChunk, AuditExport, RunningService } from '@quinta/platform/service';
import { CommandFailed } from '../explain.ts';
import { serviceNamed, UsageError } from '../services.ts';
import { withOpenServices } from '../open-services.ts';
import { addProofCommands } from './audit-proof.ts';
import { showProgress } from '../progress.ts';
import { say } from '../surroundings.ts';

interface ExportOptions {
  readonly format: string;
  readonly output?: string;
  readonly from?: string;
  readonly to?: string;
  readonly action?: string;
  readonly resource?: string;
}

export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('The audit trail of a service').exitOverride();
  addProofCommands(audit);
  audit
    .command('export <service>')
    .description('writes audit rows, newest first; the export itself is audited')
    .option(
      '--format <format>',
      'jsonl, csv, or bundle: all that verifier/verify-audit.mjs needs, oldest first',
      'jsonl',
    )
    .option('--output <file>', 'a file, which appears once it is complete (default: standard output)')
    .option('--from <instant>', 'ISO 8601; without an offset UTC')
    .option('--to <instant>', 'ISO 8601, not included')
    .option('--action <action>', 'rows of one action')
    .option('--resource <type>', 'rows of one resource type')
    .exitOverride()
    .action((name: string, options: ExportOptions) => exportAudit(name, options));
}

async function exportAudit(name: string, options: ExportOptions): Promise<void> {
  const wanted = options.format === 'bundle' ? undefined : wantedOf(options);
  if (!wanted) refuseFilters(options);
  await withOpenServices([serviceNamed(name)], {
    isQuiet: true,
    work: async ([running]) => {
      if (!running) return;
      const lines = wanted ? running.placed.service.exportAudit(running.opened.app, wanted) : bundleOf(running);
      const progress = showProgress('rows');
      const rows = await (options.output === undefined
        ? toStandardOutput(lines, progress)
        : toFile(lines, options.output, progress));
      progress.end();
      say(`${rows} audit rows exported`);
    },
  });
}

/** The whole log, because a proof of a part of it would say nothing of the rest. */
async function* bundleOf({
  placed: { service, applicationUrl },
  opened,
  ledger,
}: RunningService): AsyncGenerator<AuditChunk> {
  const asked = { action: 'export', resourceType: 'audit_log', resourceId: null, details: { format: 'bundle' } };
  await service.recordDeed(opened.app, 'audit_log.export', asked);
  await ledger.seal();
  const database = openDatabase({ url: applicationUrl, connectionsMax: 1 });
  try {
    yield* auditBundle(database);
  } finally {
    await database.close();
  }
}

function refuseFilters({ from, to, action, resource }: ExportOptions): void {
  if ([from, to, action, resource].every((option) => option === undefined)) return;
  throw new UsageError('A bundle is the whole log: it takes no --from, --to, --action or --resource');
}

function wantedOf(options: ExportOptions): AuditExport {
  if (options.format !== 'jsonl' && options.format !== 'csv') {
    throw new UsageError(`--format is "${options.format}", but should be jsonl, csv or bundle`);
  }
  return {
    format: options.format,
    from: instantOf('--from', options.from),
    to: instantOf('--to', options.to),
    action: options.action,
    resourceType: options.resource,
  };
}

function instantOf(option: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const instant = parseInstant(text);
  if (!instant) throw new UsageError(`${option} is "${text}", but should be an ISO 8601 date or date-time`);
  return instant;
}

async function toStandardOutput(
  chunks: AsyncIterable<AuditChunk>,
  progress: { add(count: number): void },
): Promise<number> {
  let rows = 0;
  for await (const chunk of chunks) {
    if (!process.stdout.write(chunk.text)) await once(process.stdout, 'drain');
    rows += chunk.rows;
    progress.add(chunk.rows);
  }
  return rows;
}

/** Written beside its place and renamed at the end, so that half an export is never taken for a whole one. */
async function toFile(
  chunks: AsyncIterable<AuditChunk>,
  file: string,
  progress: { add(count: number): void },
): Promise<number> {
  const draft = `${file}.part`;
  let rows = 0;
  const counted = async function* (): AsyncGenerator<string> {
    for await (const chunk of chunks) {
      yield chunk.text;
      rows += chunk.rows;
      progress.add(chunk.rows);
    }
  };
  try {
    await pipeline(counted, createWriteStream(draft, { mode: 0o600 }));
    await rename(draft, file);
    return rows;
  } catch (error) {
    await rm(draft, { force: true });
    if (!isFileFault(error)) throw error;
    throw new CommandFailed(`The export cannot be written to ${file}: ${error.message}`, { cause: error });
  }
}

const fileCalls = new Set(['open', 'write', 'fsync', 'close', 'rename']);

/** The disk's fault, and not the database's, which has the same codes. */
function isFileFault(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error && fileCalls.has(String(error.syscall));
}
