/** What the test's process tells its worker, and hears from it. */
export interface Order {
  readonly id: number;
  /** Which of the worker's adapters is meant; made when first named. */
  readonly store: number;
  readonly call: string;
  readonly args: readonly unknown[];
}

export type Told =
  | { readonly kind: 'done'; readonly id: number; readonly value?: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly name: string; readonly text: string }
  | { readonly kind: 'heard'; readonly handle: number; readonly text: string }
  | { readonly kind: 'gap'; readonly handle: number }
  | { readonly kind: 'health'; readonly store: number; readonly isUp: boolean };

export const orderName = 'quintaTestOrder';

export function isOrder(message: unknown): message is Order {
  return isOurs(message) && 'call' in message;
}

export function isTold(message: unknown): message is Told {
  return isOurs(message) && 'kind' in message;
}

function isOurs(message: unknown): message is object {
  return typeof message === 'object' && message !== null && orderName in message;
}
