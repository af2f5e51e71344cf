import { randomBytes } from 'node:crypto';
import { type Context, uuidV7 } from '@quinta/platform/kernel';

/** A key for a new row, which sorts by time. */
export function newId({ clock }: Pick<Context, 'clock'>): string {
  return uuidV7(clock.now().getTime(), randomBytes(10));
}
