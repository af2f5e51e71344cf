#!/usr/bin/env node

/** @typedef {{ launch: (command: readonly string[]) => Promise<void> }} Launcher */

// `npx quinta …` in a checkout: the same set-up as `npm start`, then the command. The set-up is no package, because it
// is what brings the packages; so it is found by its place in the checkout.
const { launch } = /** @type {Launcher} */ (
  await import(new URL('../../../tools/setup/launch.mjs', import.meta.url).href)
);

await launch(['quinta', ...process.argv.slice(2)]);
