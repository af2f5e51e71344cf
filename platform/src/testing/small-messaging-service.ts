import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AuditEntry, recordAudit } from '../audit/index.ts';
import type { Database } from '../database/index.ts';
import { url } from '../config/index.ts';
import { operatorContext, silentLog, systemClock } from '../kernel/index.ts';
import { type DomainEvent, recordEvents, type Topology } from '../messaging/index.ts';
import { auditSettings, databaseSettings, defineRoles, defineService, type Service } from '../service/index.ts';

/** What the small service has heard and done, for a test to look at. */
export interface SmallApp {
  readonly database: Database;
  readonly heard: string[];
  readonly done: string[];
}

const settings = {
  ...databaseSettings,
  ...auditSettings,
  RABBITMQ_URL: url('RabbitMQ; without it queues are kept in the database', ['amqp', 'amqps']),
};

/**
 * A service with nothing but messages: it hears events of notes (and cannot hear those that say "poison"), does jobs
 * of the kind `note`, and has a schedule that runs each second.
 */
export function smallMessagingService({ exchange, queues }: Topology): Service<typeof settings, SmallApp> {
  const folder = emptyFolder();
  const [first] = queues;
  return defineService<typeof settings, SmallApp>({
    face: { name: 'small', title: 'Small', summary: 'Notes that are sent and heard.', version: '0.1.0' },
    defaultPort: 8_000,
    settings,
    roles: defineRoles({}),
    problems: [],
    migrations: {
      folder,
      platform: [
        'p003_audit_logs',
        'p004_audit_proof',
        'p005_allow_audit_erasure',
        'p006_outbox',
        'p007_message_queues',
        'p008_jobs',
      ],
      appendOnly: ['audit_logs'],
    },
    rootRoutes: [],
    apiRoutes: [],
    apiPrefixes: [''],
    databaseUrlOf: ({ DATABASE_URL: own }) => own,
    messaging: {
      exchange,
      brokerUrlOf: ({ RABBITMQ_URL: own }) => own,
      subscriptions: [
        {
          queue: first?.queue ?? '',
          bindings: first?.bindings ?? [],
          attemptsMax: 2,
          handle: async ({ heard }, messages) => {
            for (const { body } of messages) {
              if (body.includes('poison')) throw new RangeError('this note cannot be read');
              heard.push((JSON.parse(body) as { entity_id: string }).entity_id);
            }
          },
        },
      ],
      jobs: [{ kind: 'note', run: async ({ done }, { key }) => void done.push(key ?? '') }],
      schedules: [{ name: 'tick', timing: { everyMs: 1_000 }, kind: 'note', catchUp: 'latest' }],
    },
    open: async ({ database }) => ({
      app: { database, heard: [], done: [] },
      authenticate: () => Promise.reject(new Error('nobody signs in here')),
      close: () => Promise.resolve(),
    }),
    exportAudit: () => {
      throw new Error('nothing is exported here');
    },
    recordDeed: ({ database }, operation, entry) => recordDeed(database, operation, entry),
    personResource: 'person',
    seed: () => Promise.resolve({ summary: 'nothing', accounts: [] }),
    issueToken: () => Promise.reject(new Error('nobody signs in here')),
  });
}

/** It has no migrations of its own; all tests share the folder where there are none. */
function emptyFolder(): URL {
  const folder = path.join(tmpdir(), 'quinta-no-migrations');
  mkdirSync(folder, { recursive: true });
  return pathToFileURL(`${folder}/`);
}

/** Writes the events of notes, all in one transaction. */
export async function writeNotes(database: Database, ...names: readonly string[]): Promise<void> {
  const events = names.map((entityId): DomainEvent => ({
    type: 'note_written',
    routingKey: 'test.note.written',
    entityId,
    orderKey: 'notes',
    payload: {},
  }));
  await database.transact((tx) => recordEvents(tx, contextOf('note.write'), events));
}

function recordDeed(database: Database, operation: string, entry: AuditEntry): Promise<void> {
  return database.transact((tx) => recordAudit(tx, contextOf(operation), entry));
}

function contextOf(operation: string) {
  return operatorContext({ clock: systemClock, log: silentLog }, operation);
}
