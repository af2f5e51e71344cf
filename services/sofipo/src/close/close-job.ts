import { operatorContext } from '@quinta/platform/kernel';
import type { RunningJob } from '@quinta/platform/messaging';
import type { Sofipo } from '../app.ts';
import { closeDays } from './close-days.ts';

/** Closes the days that are over; a run that finds none does nothing. */
export async function closeDaysAsJob(app: Sofipo, { signal }: Pick<RunningJob, 'signal'>): Promise<void> {
  if (app.config.SOFIPO_DAY_CLOSE === 'off') return;
  await closeDays(app, operatorContext(app, 'close_day'), { signal });
}
