import { isConnectionLost } from '../database/index.ts';
import { Problem } from '../kernel/index.ts';
import { BrokerUnavailable } from './contract.ts';

/**
 * Thrown by a handler whose outside part is away: it is nobody's fault but the moment's. The subscription waits and the
 * same message is tried again, for ever, while those behind it stay behind it.
 */
export class Transient extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(what, options);
    this.name = 'Transient';
  }
}

/** Whether trying again later may help: `Transient`, a part that is down, a database or a broker that is away. */
export function isTransient(error: unknown): boolean {
  if (error instanceof Transient || error instanceof BrokerUnavailable || isConnectionLost(error)) return true;
  return error instanceof Problem && error.status === 503;
}
