import {
  call,
  type HttpAnswer,
  type HttpCall,
  openServiceWorld,
  type ServiceWorld,
  type WorldOptions,
} from '@quinta/platform/testing';
import { writeStatement } from '@quinta/platform/database';
import { issueSofipoToken, seedSofipo } from '../src/demo.ts';
import { type Sofipo, sofipo } from '../src/service.ts';

const demoPassword = 'correct horse battery staple';

/** SOFIPO with a user of each role, and the README's `admin`. */
export interface SofipoWorld extends ServiceWorld {
  readonly sofipo: Sofipo;
  readonly tokens: Readonly<Record<'admin' | 'officer' | 'cashier' | 'auditor', string>>;
  /** A request to the API under /api/v1. */
  api(path: string, request?: HttpCall): Promise<HttpAnswer>;
  /** SQL as the role that owns the tables. */
  sql<Row = Record<string, unknown>>(text: string): Promise<readonly Row[]>;
}

export async function openSofipoWorld(options: WorldOptions = {}): Promise<SofipoWorld> {
  const environment = {
    LOGIN_ATTEMPTS_PER_MINUTE: '5000',
    ARGON2_MEMORY_KIB: '7168',
    ARGON2_PASSES: '5',
    ...options.environment,
  };
  const world = await openServiceWorld(sofipo, { ...options, environment });
  const app = world.app as Sofipo;
  await seedSofipo(app, demoPassword);
  const tokenOf = (role: string): Promise<string> => issueSofipoToken(app, { role });
  return {
    ...world,
    sofipo: app,
    tokens: {
      admin: await tokenOf('admin'),
      officer: await tokenOf('officer'),
      cashier: await tokenOf('cashier'),
      auditor: await tokenOf('auditor'),
    },
    api: (path, request) => call(`${world.baseUrl}/api/v1${path}`, request),
    sql: async <Row>(text: string) => (await world.owner.runAlone(writeStatement<[], Row>('test.sql', text), [])).rows,
  };
}

let people = 0;

/** A body that registers somebody new. */
export function newClient(changes: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  people += 1;
  const tail = people.toString(36).toUpperCase().padStart(3, '0');
  return {
    full_name: `Prueba Demo ${people}`,
    email: `prueba${people}@demo.example`,
    rfc: `DEPR800101${tail}`,
    ...changes,
  };
}

export interface LoanAnswer {
  readonly id: string;
  readonly client_id: string;
  readonly status: string;
  readonly current_balance: string;
}

/** Somebody new with a loan. */
export async function newLoan(
  world: SofipoWorld,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<LoanAnswer> {
  const token = world.tokens.officer;
  const client = (await world.api('/clients/', { token, body: newClient() })).json<{ id: string }>();
  const body = { client_id: client.id, amount: 50_000, interest_rate: 0.15, term_months: 24, ...changes };
  const answer = await world.api('/loans/', { token, body });
  if (answer.status !== 201) throw new Error(`No loan was granted: ${answer.text}`);
  return answer.json<LoanAnswer>();
}
