import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Children } from '../../bench/stage/children.ts';
import { freePort } from '../../platform/src/testing/free-port.ts';
import { surroundings } from '../../bench/stage/quinta.ts';
import type { FaultKind } from '../plan.ts';
import type { Part } from './part.ts';
import { Supervised } from './supervised.ts';
import { Wire } from './wire.ts';

const program = fileURLToPath(new URL('./couch-process.ts', import.meta.url));
const askTimeoutMs = 2_000;
const pageSize = 1_000;
/** How long it may take until a set comes in whose middle a kill can hit. */
const tearPatienceMs = 5_000;

/** A document as the store has it, in the order of writing. */
export interface WrittenDocument {
  readonly _id: string;
  readonly _rev: string;
  readonly [name: string]: unknown;
}

interface Changes {
  readonly results: readonly { readonly doc: WrittenDocument }[];
  readonly last_seq: number;
}

/** The document store: a process with its data in a file, behind a wire of its own. */
export class DocumentsPart implements Part {
  readonly name = 'documents';
  readonly #process: Supervised;
  readonly wire: Wire;
  readonly #signal: AbortSignal;
  readonly #directUrl: string;
  readonly #file: string;

  private constructor(parts: { process: Supervised; wire: Wire; signal: AbortSignal; port: number; file: string }) {
    this.#process = parts.process;
    this.wire = parts.wire;
    this.#signal = parts.signal;
    this.#directUrl = `http://127.0.0.1:${parts.port}`;
    this.#file = parts.file;
  }

  static async start(options: {
    readonly children: Children;
    readonly folder: string;
    readonly signal: AbortSignal;
    readonly onOwnEnd: (said: string) => void;
  }): Promise<DocumentsPart> {
    const { children, folder, signal, onOwnEnd } = options;
    const port = await freePort();
    const file = path.join(folder, 'documents.journal');
    const launch = () => children.start(process.execPath, [program, String(port), file], { env: surroundings() });
    const isUp = () => answers(`http://127.0.0.1:${port}/`);
    const supervised = new Supervised({ name: 'documents', launch, isUp, onOwnEnd, signal });
    await supervised.start();
    return new DocumentsPart({ process: supervised, wire: await Wire.to(port), signal, port, file });
  }

  /** For those who work with it: over the wire. */
  get url(): string {
    return `http://127.0.0.1:${this.wire.port}`;
  }

  inject(kind: FaultKind, lastsMs: number): Promise<void> {
    if (kind === 'kill') return this.#process.kill(lastsMs, this.wire);
    if (kind === 'pause') return this.#process.pause(lastsMs);
    if (kind === 'tear') return this.#process.killAt('SIGUSR2', { patienceMs: tearPatienceMs, downMs: lastsMs });
    return this.wire.inject(kind, lastsMs, this.#signal);
  }

  /** What was written to a database, oldest first, by its change sequence; without what holds indexes. */
  async written(database: string): Promise<readonly WrittenDocument[]> {
    const documents: WrittenDocument[] = [];
    for (let since = 0; ;) {
      const page = await this.#changes(database, since);
      if (page.results.length === 0) return documents;
      documents.push(...page.results.map(({ doc }) => doc).filter(({ _id }) => !_id.startsWith('_design/')));
      since = page.last_seq;
    }
  }

  /** How many documents were sent again after they were there. */
  conflicts(): number {
    const text = readFileSync(this.#file, 'utf8');
    return text.split('\n').filter((line) => line.startsWith('{"conflict"')).length;
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    this.wire.close();
  }

  async #changes(database: string, since: number): Promise<Changes> {
    const query = new URLSearchParams({ since: String(since), limit: String(pageSize), include_docs: 'true' });
    const answer = await fetch(`${this.#directUrl}/${database}/_changes?${query.toString()}`, { signal: this.#signal });
    // Nobody has written anything yet.
    if (answer.status === 404) return { results: [], last_seq: 0 };
    if (answer.status !== 200) throw new Error(`The document store answered ${answer.status} when asked for changes`);
    return (await answer.json()) as Changes;
  }
}

/** Whether somebody answers there with success. */
export async function answers(url: string): Promise<boolean> {
  try {
    const { ok, body } = await fetch(url, { signal: AbortSignal.timeout(askTimeoutMs) });
    await body?.cancel();
    return ok;
  } catch {
    return false;
  }
}
