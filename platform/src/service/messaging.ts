import type { Database } from '../database/index.ts';
import type { ReadyCheck } from '../http/index.ts';
import { type Log, systemClock } from '../kernel/index.ts';
import { type Messaging, openMessaging, outboxLag } from '../messaging/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { PlacedService } from './place.ts';

/** The messaging of a service, opened when it is first asked for: a command may not need it. */
export interface LazyMessaging {
  /** Undefined for a service that neither sends nor hears. */
  open(): Messaging | undefined;
  /** Stops it, where it was opened. */
  close(timeoutMs: number): Promise<void>;
}

export function serviceMessaging(
  { service, config }: PlacedService,
  parts: { readonly app: unknown; readonly database: Database; readonly metrics: Metrics; readonly log: Log },
): LazyMessaging {
  const { app, database, metrics, log } = parts;
  const declared = service.messaging;
  let opened: Messaging | undefined;
  const open = (): Messaging | undefined => {
    if (!declared) return undefined;
    opened ??= openMessaging({
      name: service.face.name,
      database,
      brokerUrl: declared.brokerUrlOf(config),
      exchange: declared.exchange,
      subscriptions: declared.subscriptions.map((subscription) => ({
        ...subscription,
        handle: (messages, signal) => subscription.handle(app, messages, signal),
      })),
      jobs: Object.fromEntries((declared.jobs ?? []).map((kind) => [kind.kind, (job) => kind.run(app, job)])),
      schedules: declared.schedules ?? [],
      clock: systemClock,
      log,
      metrics,
    });
    return opened;
  };
  return { open, close: async (timeoutMs) => opened?.stop(timeoutMs) };
}

/** A broker that is away is no reason to send clients elsewhere: what they write waits in the outbox. */
export function messagingCheck(
  { service }: PlacedService,
  parts: { readonly messaging: LazyMessaging; readonly database: Database },
): ReadyCheck[] {
  if (!service.messaging) return [];
  return [
    {
      name: 'message_broker',
      isEssential: false,
      check: async () => {
        const broker = parts.messaging.open()?.broker;
        await broker?.ping();
        const { pending, seconds } = await outboxLag(parts.database);
        return { kind: broker?.kind, outbox_pending: pending, outbox_lag_seconds: Math.round(seconds * 10) / 10 };
      },
    },
  ];
}
