import { actorIdOf, type Context } from '@quinta/platform/kernel';
import type { CircumstanceArrays } from './vale/vale-store.ts';

/** What the audit row of a command tells of its request. */
export interface Circumstance {
  readonly actorId: number;
  readonly requestId: string;
  readonly endpoint: string;
  readonly method: string;
  readonly address: string;
  readonly userAgent: string;
}

export function circumstanceOf(context: Context): Circumstance {
  return {
    actorId: actorIdOf(context),
    requestId: context.requestId,
    endpoint: context.endpoint,
    method: context.method,
    address: context.client.address,
    userAgent: context.client.userAgent,
  };
}

/** The circumstances of a set of commands, which may come from as many requests. */
export function circumstanceArrays(commands: readonly { readonly circumstance: Circumstance }[]): CircumstanceArrays {
  return [
    commands.map(({ circumstance }) => circumstance.actorId),
    commands.map(({ circumstance }) => circumstance.requestId),
    commands.map(({ circumstance }) => circumstance.endpoint),
    commands.map(({ circumstance }) => circumstance.method),
    commands.map(({ circumstance }) => circumstance.address),
    commands.map(({ circumstance }) => circumstance.userAgent),
  ];
}
