import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A command under way. */
export interface CommandRun {
  readonly pid: number;
  readonly ended: Promise<{ status: number | null; stdout: string; stderr: string }>;
  stderr(): string;
}

/** A folder for the temporary files of a command, by which everything that the command started is known. */
export interface CommandFolder {
  readonly folder: string;
  /** The script with this Node, with its temporary files in the folder. */
  run(script: string, args: readonly string[]): CommandRun;
  /** Processes whose arguments or variables name the folder, as the socket of a database does; where one can see. */
  leftProcesses(): readonly string[];
  remove(): void;
}

export function makeCommandFolder(prefix: string): CommandFolder {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), prefix)));
  chmodSync(folder, 0o755); // as root, PostgreSQL runs as somebody else
  return {
    folder,
    run: (script, args) => runIn(folder, script, args),
    leftProcesses: () => processesNaming(folder),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

function runIn(folder: string, script: string, args: readonly string[]): CommandRun {
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Awaited<CommandRun['ended']>>((resolve) => {
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
  return { pid: child.pid ?? NaN, ended, stderr: () => stderr };
}

function processesNaming(folder: string): readonly string[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8') + readFileSync(`/proc/${name}/environ`, 'utf8');
      } catch {
        return ''; // it has ended since, or is somebody else's
      }
    })
    .filter((text) => text.includes(folder) || text.includes(encodeURIComponent(folder)));
}
