import { type Coalescer, createCoalescer, type Database } from '@quinta/platform/database';
import { setObserver } from '@quinta/platform/service';
import type { Metrics } from '@quinta/platform/telemetry';
import { type CloseCommand, type CloseOutcome, redeemSet, voidSet } from './vale/close-vale.ts';
import { type IssueCommand, type IssueOutcome, issueSet } from './vale/issue-vales.ts';

/** MEXA's hot writes: commands that wait at the same moment travel in one statement. */
export interface MexaSets {
  readonly issue: Coalescer<IssueCommand, IssueOutcome>;
  readonly redeem: Coalescer<CloseCommand, CloseOutcome>;
  readonly void: Coalescer<CloseCommand, CloseOutcome>;
}

export function openSets(database: Database, metrics: Metrics): MexaSets {
  const observe = setObserver(metrics);
  return {
    issue: createCoalescer({ operation: 'vale.issue', run: (set) => issueSet(database, set), observe }),
    redeem: createCoalescer({ operation: 'vale.redeem', run: (set) => redeemSet(database, set), observe }),
    void: createCoalescer({ operation: 'vale.void', run: (set) => voidSet(database, set), observe }),
  };
}
