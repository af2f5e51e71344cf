import type { RunningService } from './open.ts';

/**
 * What a service does besides answering: seals its audit, relays its events, does its jobs. Messages are consumed by
 * `quinta worker`, and where the queues are in the database by whoever serves, since there nobody may have a worker.
 */
export function startBackground(service: RunningService, consumes: 'always' | 'where queues are embedded'): void {
  if (service.placed.config['AUDIT_SEALING'] !== false) service.ledger.start();
  const messaging = service.messaging.open();
  messaging?.start({ consumes: consumes === 'always' || messaging.broker.kind === 'embedded' });
}

export async function stopBackground(service: RunningService, timeoutMs: number): Promise<void> {
  await service.messaging.close(timeoutMs);
  await service.ledger.stop();
}
