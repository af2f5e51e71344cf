#!/usr/bin/env node
import { launch } from './launch.mjs';

// What `npm start`, `npm test` and the other scripts run. Needs Node 20 or newer, and nothing installed.
await launch(process.argv.slice(2));
