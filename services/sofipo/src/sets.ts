import { type Coalescer, createCoalescer } from '@quinta/platform/database';
import { setObserver } from '@quinta/platform/service';
import type { Metrics } from '@quinta/platform/telemetry';
import {
  type PaymentCommand,
  type PaymentOutcome,
  type PaymentParts,
  registerSet,
} from './payment/register-payments.ts';

/** SOFIPO's hot writes: commands that wait at the same moment travel in one transaction. */
export interface SofipoSets {
  readonly payments: Coalescer<PaymentCommand, PaymentOutcome>;
}

export function openSets(parts: PaymentParts, metrics: Metrics): SofipoSets {
  const observe = setObserver(metrics);
  return {
    payments: createCoalescer({ operation: 'payment.register', run: (set) => registerSet(parts, set), observe }),
  };
}
