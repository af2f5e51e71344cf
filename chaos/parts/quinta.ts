import path from 'node:path';
import type { Child, Children, Variables } from '../../bench/stage/children.ts';
import { mainScript, surroundings } from '../../bench/stage/quinta.ts';
import { hostSettings } from '../../platform/src/service/index.ts';
import { sofipo } from '../../services/sofipo/src/service.ts';
import type { FaultKind, PartName } from '../plan.ts';
import { answers } from './documents.ts';
import type { Part } from './part.ts';
import { Supervised } from './supervised.ts';
import type { Wire } from './wire.ts';

/** A process of `quinta`: the API, or a worker. */
export class QuintaPart implements Part {
  readonly name: PartName;
  readonly #process: Supervised;
  readonly #wires: readonly Wire[];

  private constructor(name: PartName, supervised: Supervised, wires: readonly Wire[]) {
    this.name = name;
    this.#process = supervised;
    this.#wires = wires;
  }

  /** Resolves when it works. */
  static async start(name: PartName, options: QuintaOptions): Promise<QuintaPart> {
    const { children, folder, variables, signal, onOwnEnd, wires } = options;
    const words = name === 'api' ? ['start', 'sofipo'] : ['worker', 'sofipo'];
    const logFile = path.join(folder, `${name.replace(' ', '-')}.log`);
    const launch = (): Child => children.start(process.execPath, [mainScript, ...words], { env: variables, logFile });
    const isUp = (child: Child): Promise<boolean> | boolean =>
      name === 'api' ? answers(`http://127.0.0.1:${variables['PORT']}/health`) : child.stderr().includes('Working for');
    const supervised = new Supervised({ name, launch, isUp, onOwnEnd, signal });
    await supervised.start();
    return new QuintaPart(name, supervised, wires);
  }

  inject(kind: FaultKind, lastsMs: number): Promise<void> {
    // One wire or the other, as the plan's chance has it.
    const wire = this.#wires[lastsMs % this.#wires.length];
    if (kind === 'kill' && wire) return this.#process.kill(lastsMs, wire);
    if (kind === 'pause') return this.#process.pause(lastsMs);
    throw new Error(`${this.name} knows no ${kind}`);
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}

interface QuintaOptions {
  readonly children: Children;
  /** Where logs go. */
  readonly folder: string;
  readonly variables: Variables;
  readonly signal: AbortSignal;
  /** What it sends and hears goes over these: it is killed while something is under way. */
  readonly wires: readonly Wire[];
  readonly onOwnEnd: (said: string) => void;
}

/**
 * Every variable that SOFIPO reads, empty: an empty one counts as not set and wins over a `.env` in the checkout, so that
 * no run ever touches anybody's database.
 */
const emptied: Variables = Object.fromEntries(
  [...Object.keys(hostSettings), ...Object.keys(sofipo.settings)].flatMap((name) => [
    [name, ''],
    [`SOFIPO_${name}`, ''],
    [`QUINTA_${name}`, ''],
  ]),
);

/** SOFIPO as in production, on the parts of the run. */
export function sofipoVariables(place: {
  readonly folder: string;
  readonly port: number;
  readonly urls: { readonly ownerUrl: string; readonly applicationUrl: string };
  readonly documentsUrl: string;
  /** Undefined: queues in the database. */
  readonly brokerUrl: string | undefined;
  readonly admin: { readonly username: string; readonly password: string };
  readonly secret: string;
}): Variables {
  return {
    ...emptied,
    ...surroundings(),
    APP_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(place.port),
    QUINTA_DATA_DIR: place.folder,
    DATABASE_URL: place.urls.applicationUrl,
    MIGRATION_DATABASE_URL: place.urls.ownerUrl,
    API_SECRET_KEY: place.secret,
    API_ACCESS_TOKEN_EXPIRE_MINUTES: '1440',
    AUDIT_SIGNING_KEY: `audit-${place.secret}`,
    SOFIPO_ADMIN_USERNAME: place.admin.username,
    SOFIPO_ADMIN_PASSWORD: place.admin.password,
    COUCHDB_URL: place.documentsUrl,
    RABBITMQ_URL: place.brokerUrl ?? '',
  };
}
