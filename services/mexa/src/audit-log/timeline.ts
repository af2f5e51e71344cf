import { diffOf, resourceTimeline } from '@quinta/platform/audit';
import { z } from 'zod';
import type { Mexa } from '../app.ts';
import { auditLogOf, auditLogOutput } from './audit-log.ts';

const stepOutput = auditLogOutput.extend({
  changes: z.array(z.object({ field: z.string(), old: z.unknown(), new: z.unknown() })),
});

export const timelineOutput = z.object({
  resource_type: z.string(),
  resource_id: z.int(),
  count: z.int(),
  history: z.array(stepOutput),
});

/** Everything that was done to one resource, oldest first, each step with the fields that it changed. */
export async function timelineOf(app: Mexa, type: string, id: number): Promise<z.output<typeof timelineOutput>> {
  const rows = await resourceTimeline(app.database, { type, id });
  const history = rows.map((row) => ({ ...auditLogOf(row), changes: diffOf(row.old_values, row.new_values) }));
  return { resource_type: type, resource_id: id, count: history.length, history };
}
