export const subscriptionStates = ['active', 'paused', 'expired', 'canceled', 'pending'] as const;

export type SubscriptionState = (typeof subscriptionStates)[number];

/** Why a subscription opens the door at an instant, or does not. */
export type Standing = 'current' | 'not_started' | 'ended' | Exclude<SubscriptionState, 'active'>;

/**
 * How a subscription stands at an instant. Its first and its last day both count, and days are those of UTC: it is good
 * from 00:00:00 UTC of the day it starts to the end of the day it stops. A day that is missing is no bound.
 */
export function standingOf(
  subscription: {
    readonly state: SubscriptionState;
    /** `2026-01-31` */
    readonly start: string | null;
    readonly stop: string | null;
  },
  now: Date,
): Standing {
  const { state, start, stop } = subscription;
  if (state !== 'active') return state;
  const today = now.toISOString().slice(0, 10);
  if (start !== null && today < start) return 'not_started';
  return stop !== null && today > stop ? 'ended' : 'current';
}
