import type { DomainEvent } from '@quinta/platform/messaging';

/** The exchange and queue that the README names. */
export const eventsExchange = 'sofipo_events_exchange';
export const eventsQueue = 'couchdb_event_log_queue';

type EventType =
  | 'client_created'
  | 'client_updated'
  | 'client_deleted'
  | 'loan_created'
  | 'loan_requested'
  | 'loan_approved'
  | 'loan_rejected'
  | 'loan_charged'
  | 'loan_waived'
  | 'loan_rescheduled'
  | 'loan_written_off'
  | 'loan_recovered'
  | 'loan_delinquency_changed'
  | 'loan_cancelled'
  | 'loan_paid_off'
  | 'loan_status_changed'
  | 'product_created'
  | 'product_changed'
  | 'day_closed'
  | 'payment_registered'
  | 'payment_reversed';

/** An event of ours: its routing key is its type with points, and order is kept for each loan or client. */
export function eventOf(
  type: EventType,
  entity: { readonly id: string; readonly orderKey?: string },
  payload: Readonly<Record<string, unknown>>,
): DomainEvent {
  return {
    type,
    routingKey: `sofipo.${type.replaceAll('_', '.')}`,
    entityId: entity.id,
    ...(entity.orderKey === undefined ? {} : { orderKey: entity.orderKey }),
    payload,
  };
}
