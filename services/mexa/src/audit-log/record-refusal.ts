import { recordAudit } from '@quinta/platform/audit';
import type { Context } from '@quinta/platform/kernel';
import type { Mexa } from '../app.ts';

/** Who asked for what they may not have is a fact for the audit, written before they hear of it. */
export async function recordRefusal(app: Mexa, context: Context, permission: string): Promise<void> {
  await app.database.transact((tx) =>
    recordAudit(tx, context, {
      action: 'refused',
      resourceType: 'permission',
      resourceId: null,
      details: { permission },
    }),
  );
}
