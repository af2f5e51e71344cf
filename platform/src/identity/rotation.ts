import type { Problem } from '../kernel/index.ts';
import { invalidTokenHeaders, refreshInvalid, refreshReused } from './problems.ts';

/** One sign-in: who, and the newest token of it. */
export interface IssuedRefresh {
  readonly familyId: string;
  readonly subject: string;
  readonly refreshToken: string;
  readonly refreshExpiresAt: Date;
}

/** What became of a refresh. `reused` has ended the family in the caller's transaction. */
export type Rotation =
  | ({ readonly outcome: 'rotated' | 'replayed' } & IssuedRefresh)
  | { readonly outcome: 'reused' | 'revoked' | 'expired'; readonly familyId: string; readonly subject: string }
  | { readonly outcome: 'invalid' };

/** The problem to throw once the transaction is committed, or undefined where there is a new token. */
export function refusalOf(rotation: Rotation): Problem | undefined {
  if (rotation.outcome === 'rotated' || rotation.outcome === 'replayed') return undefined;
  const problem = rotation.outcome === 'reused' ? refreshReused : refreshInvalid;
  return problem({}, { headers: invalidTokenHeaders });
}
