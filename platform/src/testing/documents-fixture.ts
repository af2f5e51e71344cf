import { DocumentRefused, type DocumentStore, type JsonDocument, type PutOutcome } from '../documents/index.ts';

/** Two stores over one place that is empty. */
export interface DocumentsFixture {
  readonly first: DocumentStore;
  readonly second: DocumentStore;
  /** Kills what the stores talk to, and brings it back with all that it had confirmed. */
  readonly kill: () => Promise<void>;
  /** Leaves nothing behind. */
  close(): Promise<void>;
}

export type World = (fixture: DocumentsFixture) => Promise<void>;
export type Story = (title: string, world: World) => void;

export const events = 'business_events';
export const eventIndexes = { instant: 'timestamp', fields: ['entity_id', 'payload.loan_id', 'event_type'] } as const;

/** An event so many seconds into the year, of loan `l1`, `l2` or `l3`, two of which share each second. */
export function event(number: number, more: Readonly<Record<string, unknown>> = {}): JsonDocument {
  const instant = new Date(Date.UTC(2026, 0, 1) + Math.floor(number / 2) * 1_000);
  return {
    _id: `event-${number}`,
    event_type: number % 2 === 0 ? 'loan_created' : 'payment_registered',
    entity_id: `e${number}`,
    payload: { loan_id: `l${(number % 3) + 1}`, amount: '2500.00' },
    timestamp: instant.toISOString(),
    ...more,
  };
}

export function eventsTo(count: number): JsonDocument[] {
  return Array.from({ length: count }, (_, number) => event(number));
}

/** The reasons of those that were refused, by their place. */
export function refusalsIn(outcomes: readonly PutOutcome[]): readonly (string | undefined)[] {
  return outcomes.map((outcome) => (outcome instanceof DocumentRefused ? outcome.reason : undefined));
}
