import { z } from 'zod';
import type { Sofipo } from './app.ts';

/** Reads that strangers may make where PUBLIC_READS says so. */
export const isOpenToAll = ({ hasPublicReads }: Sofipo): boolean => hasPublicReads;

/** A key in a path or a query; the same in capitals. */
export const keyParameter = z.guid().toLowerCase();

/** `skip`: how many rows of a list are passed over, as the earlier clients page. */
export const skipParameter = z.coerce.number().int().min(0).max(1_000_000).default(0);
