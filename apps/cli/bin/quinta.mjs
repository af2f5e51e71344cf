#!/usr/bin/env node
// `npx quinta …` in the checkout: the same set-up as the npm scripts, then the command.
import { runTask } from '../../../tools/setup/run.mjs';

process.exitCode = await runTask('quinta', process.argv.slice(2));
