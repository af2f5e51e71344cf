import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { vi } from 'vitest';
import { freePort } from '../../../platform/src/testing/free-port.ts';
import { connect } from '../../../platform/src/database/migrations/connection.ts';
import { composeText, environmentOf, readCompose, type Variables } from './compose-file.ts';
import { account, copyScripts, run, type Ran, start, type Started, succeed } from './run.ts';

export const patience = { timeout: 60_000, interval: 50 };

/** The newest PostgreSQL of the machine that is whole: the embedded one has neither psql nor pg_basebackup. */
export function postgresPrograms(): { readonly folder: string; readonly unreachable: string | undefined } {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root)
    ? readdirSync(root)
        .map(Number)
        .filter((version) => version >= 15)
    : [];
  const folders = versions.toSorted((a, b) => b - a).map((version) => `${root}/${version}/bin`);
  const found = folders.find((folder) => existsSync(`${folder}/initdb`) && existsSync(`${folder}/pg_basebackup`));
  if (found !== undefined) return { folder: found, unreachable: undefined };
  const reason = `no PostgreSQL 15 or newer in ${root}`;
  if (process.env['QUINTA_TEST_REQUIRE_REAL'] === '1') throw new Error(`${reason}; install postgresql`);
  process.stderr.write(`Tests of the init scripts of PostgreSQL are skipped: ${reason}; install postgresql.\n`);
  return { folder: '', unreachable: reason };
}

/** A primary, and a replica where it was started, made by the scripts of the stack on private ports. */
export class PostgresStack {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'quinta-deploy-'));
  readonly #programs: string;
  readonly #variables: Variables;
  readonly #running = new Map<Which, Started>();
  primaryPort = 0;
  replicaPort = 0;

  /** @param variables what `.env` would set */
  constructor(programs: string, variables: Variables = {}) {
    this.#programs = programs;
    this.#variables = variables;
    chmodSync(this.folder, 0o755);
    copyScripts(this.folder);
    for (const name of ['primary', 'replica', 'socket']) {
      mkdirSync(path.join(this.folder, name), { mode: 0o700 });
      if (account.isDelegated) chownSync(path.join(this.folder, name), account.uid, account.gid);
    }
  }

  get replicaFolder(): string {
    return path.join(this.folder, 'replica/data');
  }

  /** What the compose file tells the primary's container. */
  environment(variables: Variables = {}): Variables {
    const told = environmentOf('postgres-primary', { variables: { ...this.#variables, ...variables } });
    return { ...this.#place, ...told, PGDATA: path.join(this.folder, 'primary/data') };
  }

  /** What the compose file tells the replica's container, with another primary and folder. */
  replicaEnvironment(variables: Variables = {}): Variables {
    const told = environmentOf('postgres-replica', { variables: { ...this.#variables, ...variables } });
    const primary = { POSTGRES_PRIMARY_HOST: '127.0.0.1', POSTGRES_PRIMARY_PORT: String(this.primaryPort) };
    return { ...this.#place, ...told, ...primary, PGDATA: this.replicaFolder };
  }

  /** Makes the primary as the image's entrypoint does for a new volume, and starts it. */
  async makePrimary(): Promise<void> {
    const env = this.environment();
    const { PGDATA = '', POSTGRES_USER = '', POSTGRES_PASSWORD = '', POSTGRES_DB = '' } = env;
    const passwords = path.join(this.folder, 'first-password');
    await writeFile(passwords, POSTGRES_PASSWORD, { mode: 0o644 });
    this.primaryPort = await freePort();
    await succeed(['initdb', `--username=${POSTGRES_USER}`, `--pwfile=${passwords}`, '-D', PGDATA], { env });
    await appendFile(path.join(PGDATA, 'pg_hba.conf'), '\nhost all all all scram-sha-256\n');
    await this.startPrimary({ addresses: '' });
    await this.#whenUp('primary', () =>
      succeed(['createdb', '-U', POSTGRES_USER, '--maintenance-db=postgres', POSTGRES_DB], this.#local()),
    );
    await succeed([`${this.folder}/postgres-init/00-config-hba.sh`], this.#local());
    await this.stop('primary');
    await this.startPrimary();
  }

  async startPrimary({ addresses = '127.0.0.1' } = {}): Promise<void> {
    const env = this.environment();
    const [, ...settings] = readCompose(composeText).services['postgres-primary']?.command ?? [];
    const own = ['-D', env['PGDATA'] ?? '', `-p${this.primaryPort}`, `-clisten_addresses=${addresses}`];
    const words = ['postgres', ...own, `-k${this.#sockets}`, '-cfsync=off', ...settings];
    this.#running.set('primary', start(words, { env }));
    if (addresses !== '') await this.#whenUp('primary', () => this.ask('primary', 'select 1'));
  }

  /** Runs the replica's entry point with the command of the compose file, where it does not run, until it answers. */
  async ensureReplica(variables: Variables = {}): Promise<void> {
    if (this.#running.get('replica')?.child.exitCode === null) return;
    this.replicaPort = await freePort();
    const words = readCompose(composeText).services['postgres-replica']?.command ?? [];
    const own = [`-p${this.replicaPort}`, '-clisten_addresses=127.0.0.1', `-k${this.#sockets}`, '-cfsync=off'];
    const env = this.replicaEnvironment(variables);
    this.#running.set('replica', start([this.#replicaScript, ...words, ...own], { env }));
    await this.#whenUp('replica', () => this.ask('replica', 'select 1'));
  }

  /** Runs the replica's entry point to its end. */
  runReplicaScript(words: readonly string[], variables: Variables = {}): Promise<Ran> {
    return run([this.#replicaScript, ...words], { env: { ...this.replicaEnvironment(), ...variables } });
  }

  /** Runs the primary's script again, as by hand in its container. */
  configure(variables: Variables = {}, given: Variables = {}): Promise<Ran> {
    const { env } = this.#local(variables);
    return run([`${this.folder}/postgres-init/00-config-hba.sh`], { env: { ...env, ...given } });
  }

  /** Asks over TCP as the app user. */
  async ask(which: Which, sql: string, who: { user?: string; password?: string } = {}): Promise<Row[]> {
    const env = this.environment();
    const { user = env['POSTGRES_USER'] ?? '', password = env['POSTGRES_PASSWORD'] ?? '' } = who;
    const url = new URL(`postgresql://127.0.0.1/${env['POSTGRES_DB'] ?? ''}`);
    url.port = String(which === 'primary' ? this.primaryPort : this.replicaPort);
    url.username = user;
    url.password = encodeURIComponent(password);
    const connection = await connect({ url: url.href });
    try {
      return [...(await connection.run(sql))];
    } finally {
      await connection.close();
    }
  }

  /** Backs up the primary's database and restores it under another name, by the README's commands. */
  async restoreCopy(name: string): Promise<void> {
    const local = this.#local();
    const { POSTGRES_USER: user = '', POSTGRES_DB: database = '' } = local.env;
    const dump = path.join(this.#sockets, 'sofipo.dump');
    await succeed(['pg_dump', '-U', user, '-Fc', '-f', dump, database], local);
    await succeed(['createdb', '-U', user, name], local);
    await succeed(['pg_restore', '-U', user, '-d', name, dump], local);
  }

  async stop(which: Which): Promise<void> {
    const running = this.#running.get(which);
    this.#running.delete(which);
    running?.child.kill('SIGINT'); // fast shutdown, as the image asks for
    await running?.ended;
  }

  log(which: Which): string {
    return this.#running.get(which)?.output() ?? '';
  }

  /** What a list of processes shows of it. */
  commandLine(which: Which): string {
    const pid = this.#running.get(which)?.child.pid;
    return pid === undefined ? '' : readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  }

  async hba(): Promise<string> {
    return readFile(path.join(this.folder, 'primary/data/pg_hba.conf'), 'utf8');
  }

  async close(): Promise<void> {
    await this.stop('replica');
    await this.stop('primary');
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #replicaScript(): string {
    return `${this.folder}/postgres-replica-config/init-db.sh`;
  }

  get #sockets(): string {
    return path.join(this.folder, 'socket');
  }

  get #place(): Variables {
    return { PATH: `${this.#programs}:${process.env['PATH'] ?? ''}`, HOME: this.folder, LC_ALL: 'C.UTF-8' };
  }

  /** In a container the socket is where psql looks by itself. */
  #local(variables: Variables = {}): { readonly env: Variables } {
    return { env: { ...this.environment(variables), PGHOST: this.#sockets, PGPORT: String(this.primaryPort) } };
  }

  async #whenUp(which: Which, ask: () => Promise<unknown>): Promise<void> {
    await vi.waitFor(async () => {
      const running = this.#running.get(which);
      if (running?.child.exitCode !== null) throw new Error(`The ${which} has ended: ${this.log(which)}`);
      await ask();
    }, patience);
  }
}

type Which = 'primary' | 'replica';
export type Row = Readonly<Record<string, unknown>>;
