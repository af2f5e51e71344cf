import path from 'node:path';
import { type AuditLedger, fileSink, openAuditLedger, type Sink, webhookSink } from '../audit/index.ts';
import type { Database } from '../database/index.ts';
import type { ReadyCheck } from '../http/index.ts';
import { type Log, systemClock } from '../kernel/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { PlacedService, Placement } from './place.ts';
import { resolveSecret, type SecretSource } from './secrets.ts';

type Config = Readonly<Record<string, unknown>>;

const keyName = 'AUDIT_SIGNING_KEY';
const lagMaxDefaultS = 60;
const shipDefaultS = 60;

/**
 * The key that signs checkpoints.
 * @throws ConfigError in production for a missing, short or guessable one
 */
export function auditSigningKey(config: Config, where: SecretSource): string {
  return resolveSecret(keyName, textOf(config, keyName), where);
}

/** The ledger of a service's audit, with its metrics; nothing runs yet. */
export function openLedger(
  placement: Placement,
  { service, config }: PlacedService,
  parts: { readonly database: Database; readonly metrics: Metrics; readonly log: Log },
): AuditLedger {
  const { database, metrics, log } = parts;
  const sealedRows = metrics.counter('quinta_audit_sealed_rows_total', 'Audit rows put into the tree.');
  const durations = metrics.histogram('quinta_audit_seal_seconds', 'Time to seal one batch of audit rows.');
  const ledger = openAuditLedger({
    database,
    service: service.face.name,
    signingKey: auditSigningKey(config, placement),
    previousSigningKey: textOf(config, 'AUDIT_SIGNING_KEY_PREVIOUS'),
    sinks: sinksOf(config),
    shipEveryMs: Number(config['AUDIT_SHIP_SECONDS'] ?? shipDefaultS) * 1000,
    clock: systemClock,
    log,
    observe: ({ rows, durationMs }) => {
      sealedRows.add({}, rows);
      durations.observe({}, durationMs / 1000);
    },
  });
  const widest = { aggregator: 'max' } as const;
  const lagSeconds = async (): Promise<number> => (await ledger.lag()).seconds;
  const lagRows = async (): Promise<number> => (await ledger.lag()).rows;
  metrics.gauge('quinta_audit_seal_lag_seconds', 'Age of the oldest audit row that is not sealed.', lagSeconds, widest);
  metrics.gauge('quinta_audit_unsealed_rows', 'Audit ids beyond the newest sealed row.', lagRows, widest);
  return ledger;
}

/** Sealing that is behind is no reason to send clients elsewhere, and one to look at it. */
export function ledgerCheck({ config }: PlacedService, ledger: AuditLedger): ReadyCheck {
  const maxS = Number(config['AUDIT_LAG_MAX_S'] ?? lagMaxDefaultS);
  return {
    name: 'audit_sealer',
    isEssential: false,
    check: async () => {
      const { seconds, rows } = await ledger.lag();
      if (seconds > maxS) throw new Error(`Sealing is ${seconds} s behind`);
      return { lag_seconds: Math.round(seconds * 10) / 10, unsealed_rows: rows };
    },
  };
}

function sinksOf(config: Config): Sink[] {
  const file = textOf(config, 'AUDIT_CHECKPOINT_FILE');
  const url = textOf(config, 'AUDIT_CHECKPOINT_URL');
  return [
    ...(file === undefined ? [] : [fileSink(path.resolve(file))]),
    ...(url === undefined ? [] : [webhookSink(url)]),
  ];
}

function textOf(config: Config, name: string): string | undefined {
  const value = config[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
