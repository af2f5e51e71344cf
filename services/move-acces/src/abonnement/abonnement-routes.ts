import { actorIdOf } from '@quinta/platform/kernel';
import { idParameter, type Route, routesOf } from '@quinta/platform/http';
import { z } from 'zod';
import type { MoveAcces } from '../app.ts';
import { noCurrentSubscription, subscriptionNotFound } from '../problems.ts';
import { type Standing, standingOf, subscriptionStates } from './standing.ts';
import type { Subscription } from './subscription-store.ts';

const { signedInRoute } = routesOf<MoveAcces>();
const tag = 'abonnements';

export const subscriptionOutput = z.object({
  abo_id: z.int(),
  abo_id_actual: z.string().nullable(),
  abo_state: z.enum(subscriptionStates),
  abo_name: z.string(),
  abo_date_start: z.iso.date().nullable(),
  abo_date_stop: z.iso.date().nullable(),
  abo_duration: z.int().nullable(),
  abo_renew: z.boolean(),
  abo_price: z.string(),
  abo_discount: z.string(),
  abo_slices: z.int().nullable(),
  standing: z
    .enum(['current', 'not_started', 'ended', 'paused', 'expired', 'canceled', 'pending'])
    .meta({ description: 'How it stands at this instant, by days of UTC; only `current` opens a door' }),
});

export function subscriptionOf(one: Subscription, now: Date): z.output<typeof subscriptionOutput> {
  return {
    abo_id: one.id,
    abo_id_actual: one.reference,
    abo_state: one.state,
    abo_name: one.name,
    abo_date_start: one.start,
    abo_date_stop: one.stop,
    abo_duration: one.duration,
    abo_renew: one.isRenewed,
    abo_price: one.price,
    abo_discount: one.discount,
    abo_slices: one.instalments,
    standing: standingOf(one, now),
  };
}

/** The subscription that opens the door at an instant, or the best reason why none does. */
export function currentOf(
  subscriptions: readonly Subscription[],
  now: Date,
): { readonly current: Subscription | undefined; readonly reason: Standing | 'none' } {
  const current = subscriptions.find((one) => standingOf(one, now) === 'current');
  if (current) return { current, reason: 'current' };
  const [newest] = subscriptions;
  return { current: undefined, reason: newest ? standingOf(newest, now) : 'none' };
}

export const abonnementRoutes: readonly Route<MoveAcces>[] = [
  signedInRoute({
    method: 'GET',
    path: '/users/me/abonnements',
    operation: 'abonnement.list',
    summary: 'Your subscriptions, newest first',
    tag,
    query: z.strictObject({ state: z.enum(subscriptionStates).optional() }),
    replies: { 200: z.object({ abonnements: z.array(subscriptionOutput), count: z.int() }) },
    isCacheable: true,
    handle: async ({ app, context, query: { state } }) => {
      const now = context.clock.now();
      const all = await app.subscriptions.list(app.database, actorIdOf(context));
      const abonnements = all
        .filter((one) => state === undefined || one.state === state)
        .map((one) => subscriptionOf(one, now));
      return { status: 200, body: { abonnements, count: abonnements.length } };
    },
  }),
  signedInRoute({
    method: 'GET',
    path: '/users/me/abonnements/current',
    operation: 'abonnement.current',
    summary: 'The subscription that opens the door now',
    tag,
    replies: { 200: subscriptionOutput },
    problems: ['no_current_subscription'],
    handle: async ({ app, context }) => {
      const now = context.clock.now();
      const { current, reason } = currentOf(await app.subscriptions.list(app.database, actorIdOf(context)), now);
      if (!current) throw noCurrentSubscription({ reason });
      return { status: 200, body: subscriptionOf(current, now) };
    },
  }),
  signedInRoute({
    method: 'GET',
    path: '/users/me/abonnements/:abo_id',
    operation: 'abonnement.find',
    summary: 'One of your subscriptions',
    tag,
    params: z.object({ abo_id: idParameter }),
    replies: { 200: subscriptionOutput },
    problems: ['subscription_not_found'],
    isCacheable: true,
    handle: async ({ app, context, params: { abo_id: id } }) => {
      const found = await app.subscriptions.find(app.database, actorIdOf(context), id);
      if (!found) throw subscriptionNotFound({ id });
      return { status: 200, body: subscriptionOf(found, context.clock.now()) };
    },
  }),
];
