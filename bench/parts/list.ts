import { growth } from './growth.ts';
import { idle } from './idle.ts';
import { lendingDayClose } from './lending-day-close.ts';
import { lendingEngine } from './lending-engine.ts';
import { lendingHotLoan } from './lending-hot-loan.ts';
import { lendingOutbox } from './lending-outbox.ts';
import { lendingPayments } from './lending-payments.ts';
import { lendingReads } from './lending-reads.ts';
import { membersReads } from './members-reads.ts';
import { membersSessions } from './members-sessions.ts';
import { membersSockets } from './members-sockets.ts';
import { membersTiming } from './members-timing.ts';
import { membersTokens } from './members-tokens.ts';
import type { Part } from './part.ts';
import { processes } from './processes.ts';
import { refusals } from './refusals.ts';
import { sealing } from './sealing.ts';
import { throughput } from './throughput.ts';
import { verify } from './verify.ts';

/** The chapters, in their order. */
export const parts: readonly Part[] = [
  throughput,
  processes,
  idle,
  refusals,
  sealing,
  verify,
  growth,
  membersSessions,
  membersReads,
  membersTokens,
  membersSockets,
  membersTiming,
  lendingPayments,
  lendingHotLoan,
  lendingReads,
  lendingEngine,
  lendingOutbox,
  lendingDayClose,
];
