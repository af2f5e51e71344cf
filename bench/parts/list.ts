import { growth } from './growth.ts';
import { idle } from './idle.ts';
import type { Part } from './part.ts';
import { processes } from './processes.ts';
import { refusals } from './refusals.ts';
import { sealing } from './sealing.ts';
import { throughput } from './throughput.ts';
import { verify } from './verify.ts';

/** The chapters, in their order. */
export const parts: readonly Part[] = [throughput, processes, idle, refusals, sealing, verify, growth];
