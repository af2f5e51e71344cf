import { access, constants, statfs } from 'node:fs/promises';
import type { Command } from 'commander';
import { ConfigError, readConfig } from '@quinta/platform/config';
import { examineReplica, openDatabase } from '@quinta/platform/database';
import { silentLog } from '@quinta/platform/kernel';
import { openKeyValue } from '@quinta/platform/keyvalue';
import { hostSettings, migratorOf, type PlacedService, type Placement, redisUrlOf } from '@quinta/platform/service';
import { explain } from '../explain.ts';
import { servicesNamed } from '../services.ts';
import { environment, print, printJson, withPlacement } from '../surroundings.ts';

/** One thing that was looked at. `problem` makes the exit status 1, `advice` does not. */
interface Finding {
  readonly subject: string;
  readonly state: 'good' | 'advice' | 'problem';
  readonly says: string;
  /** What to do about it. */
  readonly mend?: string;
}

const freeBytesMin = 500_000_000;

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor [services...]')
    .description(
      'says what is configured, reachable, out of date and unsafe, each with its mend; exit status 1 for a problem',
    )
    .option('--json', 'one JSON line a finding')
    .action(async (names: string[], options: { json?: boolean }) => {
      const findings: Finding[] = [runtimeFinding(), ...configFindings(names)];
      if (findings.every(({ state }) => state !== 'problem')) findings.push(...(await partFindings(names)));
      for (const finding of findings) {
        if (options.json) printJson(finding);
        else print(lineOf(finding));
      }
      if (findings.some(({ state }) => state === 'problem')) process.exitCode = 1;
    });
}

const marks = { good: 'ok     ', advice: 'advice ', problem: 'PROBLEM' } as const;

function lineOf({ subject, state, says, mend }: Finding): string {
  return `${marks[state]}  ${subject}: ${says}${mend === undefined ? '' : `. ${mend}`}`;
}

function runtimeFinding(): Finding {
  return { subject: 'node', state: 'good', says: `${process.version} on ${process.platform} ${process.arch}` };
}

/** Every variable that is wrong, of the host and of each service. */
function configFindings(names: readonly string[]): Finding[] {
  const schemas = [
    { name: 'quinta', settings: hostSettings },
    ...servicesNamed(names).map(({ face, settings }) => ({ name: face.name, settings })),
  ];
  const faults = new Set<string>();
  for (const { name, settings } of schemas) {
    try {
      readConfig(name, settings, environment());
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const fault of error.faults) faults.add(fault);
    }
  }
  if (faults.size === 0) return [{ subject: 'configuration', state: 'good', says: 'every variable can be read' }];
  return [...faults].map((fault) => ({
    subject: 'configuration',
    state: 'problem',
    says: fault,
    mend: 'Mend it in the environment or in .env',
  }));
}

async function partFindings(names: readonly string[]): Promise<Finding[]> {
  try {
    return await withPlacement(
      servicesNamed(names),
      async (placement) => [
        ...safetyFindings(placement),
        await folderFinding(placement),
        await keyValueFinding(placement),
        ...(await Promise.all(placement.placed.map(databaseFindings))).flat(),
      ],
      { isQuiet: true },
    );
  } catch (error) {
    return [
      {
        subject: 'start',
        state: 'problem',
        says: explain(error).join(' '),
        mend: 'Nothing behind it could be looked at',
      },
    ];
  }
}

function safetyFindings({ host, isProduction, placed }: Placement): Finding[] {
  const findings: Finding[] = [
    { subject: 'APP_ENV', state: 'good', says: host.APP_ENV },
    ...(isProduction && host.METRICS_TOKEN === undefined
      ? [
          {
            subject: 'METRICS_TOKEN',
            state: 'advice',
            says: '/metrics is open to everybody',
            mend: 'Set it, or close the path at the proxy',
          } as const,
        ]
      : []),
    ...(isProduction && host.TRUST_PROXY.length === 0
      ? [
          {
            subject: 'TRUST_PROXY',
            state: 'advice',
            says: 'no proxy is trusted, so all clients behind one share its limits',
            mend: 'Name its CIDR',
          } as const,
        ]
      : []),
  ];
  return [...findings, ...(isProduction ? placed.flatMap(productionFindings) : [])];
}

/** What is unsafe about one service in production. */
function productionFindings({ service, config, ownerUrl, applicationUrl, isEmbedded }: PlacedService): Finding[] {
  const { name } = service.face;
  const findings: Finding[] = [];
  if (isEmbedded) {
    findings.push({
      subject: name,
      state: 'advice',
      says: 'the embedded database serves production',
      mend: 'Set DATABASE_URL',
    });
  }
  if (ownerUrl === applicationUrl) {
    findings.push({
      subject: name,
      state: 'advice',
      says: 'the service works as the owner of its tables, who could drop the guards of the audit',
      mend: 'Give it a role of its own in DATABASE_URL, and the owner in MIGRATION_DATABASE_URL',
    });
  }
  if (config['AUDIT_CHECKPOINT_FILE'] === undefined && config['AUDIT_CHECKPOINT_URL'] === undefined) {
    findings.push({
      subject: `${name} audit`,
      state: 'advice',
      says: 'checkpoints stay in the database, whose administrator could cut off the newest rows unseen',
      mend: 'Set AUDIT_CHECKPOINT_FILE or AUDIT_CHECKPOINT_URL to a place that they cannot reach',
    });
  }
  const isDefault = config['DATABASE_PASSWORD'] === service.settings['DATABASE_PASSWORD']?.fallback;
  if (isDefault && config['DATABASE_URL'] === undefined) {
    findings.push({
      subject: name,
      state: 'problem',
      says: 'DATABASE_PASSWORD is the one that stands in the README',
      mend: 'Choose another',
    });
  }
  return findings;
}

async function folderFinding({ dataDirectory }: Placement): Promise<Finding> {
  try {
    await access(dataDirectory, constants.W_OK);
    const { bavail, bsize } = await statfs(dataDirectory);
    const free = bavail * bsize;
    const says = `${dataDirectory}, ${Math.round(free / 1e6).toLocaleString('en')} MB free`;
    if (free < freeBytesMin) return { subject: 'data folder', state: 'advice', says, mend: 'Make room soon' };
    return { subject: 'data folder', state: 'good', says };
  } catch {
    return {
      subject: 'data folder',
      state: 'advice',
      says: `${dataDirectory} is not there or cannot be written`,
      mend: 'The first start makes it',
    };
  }
}

async function keyValueFinding({ host }: Placement): Promise<Finding> {
  const redisUrl = redisUrlOf(host);
  if (redisUrl === undefined) return { subject: 'key-value', state: 'good', says: 'in the memory of this host' };
  const store = openKeyValue({ redisUrl, log: silentLog });
  try {
    await store.ping();
    return { subject: 'key-value', state: 'good', says: 'Redis answers' };
  } catch {
    return {
      subject: 'key-value',
      state: 'problem',
      says: 'Redis does not answer',
      mend: 'Start it, or mend REDIS_URL, or REDIS_HOST and REDIS_PORT',
    };
  } finally {
    await store.close();
  }
}

async function databaseFindings(placed: PlacedService): Promise<Finding[]> {
  const { name } = placed.service.face;
  const subject = `${name} database`;
  const database = openDatabase({ url: placed.applicationUrl, connectionsMax: 1 });
  try {
    await database.ping();
  } catch (error) {
    return [{ subject, state: 'problem', says: explain(error).join(' '), mend: 'Start it, or mend DATABASE_URL' }];
  } finally {
    await database.close();
  }
  const where = placed.isEmbedded ? 'embedded' : 'as configured';
  const findings: Finding[] = [{ subject, state: 'good', says: `answers (${where})` }];
  const outcome = await migratorOf(placed, { log: silentLog, say: () => undefined }).status();
  const pending = outcome.migrations.filter(({ state }) => state === 'pending').map((migration) => migration.name);
  findings.push(
    pending.length === 0
      ? { subject: `${name} migrations`, state: 'good', says: 'up to date' }
      : {
          subject: `${name} migrations`,
          state: 'advice',
          says: `${pending.length} pending, first ${pending[0] ?? ''}`,
          mend: `quinta migrate up ${name}`,
        },
  );
  const { applicationUrl, replicaUrl } = placed;
  if (replicaUrl !== undefined) findings.push(await replicaFinding(name, applicationUrl, replicaUrl));
  return findings;
}

async function replicaFinding(name: string, primaryUrl: string, replicaUrl: string): Promise<Finding> {
  const subject = `${name} replica`;
  const finding = await examineReplica(primaryUrl, replicaUrl);
  if (finding.kind === 'foreign') {
    return {
      subject,
      state: 'problem',
      says: `${finding.reason}, so that the primary answers all reads`,
      mend: 'Set it up anew as a streaming replica, or mend DATABASE_REPLICA_URL',
    };
  }
  if (finding.kind === 'unreachable') {
    return {
      subject,
      state: 'advice',
      says: `${explain(finding.cause).join(' ')}. The primary answers all reads`,
      mend: 'Start it, or mend DATABASE_REPLICA_URL',
    };
  }
  return { subject, state: 'good', says: `replays the log of this primary, ${finding.lagBytes} bytes behind` };
}
