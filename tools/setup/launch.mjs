import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { followSignals, runToEnd } from './child.mjs';
import { ensureInstalled } from './install.mjs';
import { hasOwnNode24, installedNode24 } from './node24.mjs';
import { SetupError } from './setup-error.mjs';
import { argumentsOf, usage } from './tasks.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/**
 * Installs what is missing, brings in Node 24 where this one is older, and runs a task of the house under it:
 * `launch(['start', '--workers', '4'])`. Sets the exit code to the task's own, or to 128 and the number of the signal
 * that ended it. A signal to this process is passed on, and the process ends after its child, never before.
 * @param {readonly string[]} command the name of a task and its arguments
 */
export async function launch([task = '', ...args]) {
  const signals = followSignals();
  try {
    const script = argumentsOf(task, args, root);
    if (script === undefined) {
      const isAsked = task === '--help';
      (isAsked ? console.log : console.error)(
        isAsked || task === '' ? usage : `There is no task "${task}".\n\n${usage}`,
      );
      process.exitCode = isAsked ? 0 : 2;
      return;
    }
    await ensureInstalled(root, hasOwnNode24() ? ['.'] : ['.', 'tools/node24'], signals);
    const node = hasOwnNode24() ? process.execPath : installedNode24(join(root, 'tools', 'node24'));
    process.exitCode = await runToEnd(node, script, signals);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = error.exitCode;
  } finally {
    signals.unfollow();
  }
}
